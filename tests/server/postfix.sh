# Runs Postfix and Dovecot (for passwords only) in a temporary folder as long as standard input is open.
set -e
trap '' INT
folder=$(mktemp -d)
chmod 755 "$folder"
cd "$folder"
mkdir -p conf queue data mail
chown postfix data
chown nobody mail
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
  -addext basicConstraints=critical,CA:FALSE -keyout key.pem -out cert.pem 2>/dev/null
cat > conf/main.cf <<EOF
compatibility_level = 3.6
queue_directory = $folder/queue
data_directory = $folder/data
maillog_file = $folder/log
maillog_file_prefixes = $folder
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.city.example
mydestination =
mynetworks =
alias_maps =
local_recipient_maps =
recipient_delimiter = +
virtual_mailbox_domains = city.example
virtual_mailbox_base = $folder/mail
virtual_mailbox_maps = texthash:$folder/conf/mailboxes
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
# Known to be unknown only after it was taken: what makes a bounce.
smtpd_reject_unlisted_recipient = no
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_tls_security_level = may
smtpd_tls_cert_file = $folder/cert.pem
smtpd_tls_key_file = $folder/key.pem
EOF
# Where a listener takes replies and bounces over LMTP, they go there.
if [ "$LMTP_PORT" ]; then
  echo "transport_maps = texthash:$folder/conf/transport" >> conf/main.cf
  echo "shenban@city.example lmtp:inet:127.0.0.1:$LMTP_PORT" > conf/transport
fi
for mailbox in traffic shenban coordinator police education; do
  echo "$mailbox@city.example $mailbox/" >> conf/mailboxes
done
{
  echo "127.0.0.1:$PORT inet n - n - - smtpd"
  for service in "cleanup unix n - n - 0 cleanup" "qmgr unix n - n 300 1 qmgr" "rewrite unix - - n - - trivial-rewrite" \
    "bounce unix - - n - 0 bounce" "defer unix - - n - 0 bounce" "trace unix - - n - 0 bounce" "error unix - - n - - error" \
    "retry unix - - n - - error" "virtual unix - n n - - virtual" "anvil unix - - n - 1 anvil" "proxymap unix - - n - - proxymap" \
    "tlsmgr unix - - n 1000? 1 tlsmgr" "postlog unix-dgram n - n - 1 postlogd" "pickup unix n - n 60 1 pickup" \
    "flush unix n - n 1000? 0 flush" "verify unix - - n - 1 verify" "scache unix - - n - 1 scache" "smtp unix - - n - - smtp" "lmtp unix - - n - - lmtp"; do
    echo "$service"
  done
} > conf/master.cf
cat > conf/dovecot.conf <<EOF
base_dir = $folder/run
state_dir = $folder/state
log_path = $folder/dovecot.log
protocols =
ssl = no
auth_mechanisms = plain login
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=$folder
}
service auth {
  unix_listener $folder/queue/private/auth {
    mode = 0666
  }
}
EOF
postfix -c "$folder/conf" start >&2 2>/dev/null || { cat log >&2; exit 1; }
/usr/sbin/dovecot -c "$folder/conf/dovecot.conf" >&2
for _ in $(seq 100); do [ -S queue/private/auth ] && break; sleep 0.1; done
echo "$folder"
cat > /dev/null || true
doveadm -c "$folder/conf/dovecot.conf" stop >&2 2>/dev/null || true
postfix -c "$folder/conf" stop >&2 2>/dev/null || true
rm -rf "$folder"
