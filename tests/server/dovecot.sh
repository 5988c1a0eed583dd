# Runs Dovecot with one mailbox in a temporary folder as long as standard input is open.
set -e
trap '' INT
folder=$(mktemp -d)
chmod 755 "$folder"
cd "$folder"
mkdir -p conf mail/shenban/Maildir/{cur,new,tmp}
chown -R nobody mail
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
  -addext basicConstraints=critical,CA:FALSE -keyout key.pem -out cert.pem 2>/dev/null
cat > conf/dovecot.conf <<EOF
base_dir = $folder/run
state_dir = $folder/state
log_path = $folder/dovecot.log
listen = 127.0.0.1
protocols = imap
ssl = yes
ssl_cert = <$folder/cert.pem
ssl_key = <$folder/key.pem
mail_location = maildir:~/Maildir
first_valid_uid = 1
auth_mechanisms = plain login
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=$folder/mail/%n
}
namespace inbox {
  inbox = yes
  mailbox Taken {
    auto = create
  }
}
service imap-login {
  inet_listener imap {
    port = $PORT
  }
  inet_listener imaps {
    port = $TLS_PORT
  }
}
EOF
/usr/sbin/dovecot -c "$folder/conf/dovecot.conf" >&2
for _ in $(seq 100); do (: < "/dev/tcp/127.0.0.1/$PORT") 2>/dev/null && break; sleep 0.1; done
echo "$folder"
cat > /dev/null || true
doveadm -c "$folder/conf/dovecot.conf" stop >&2 2>/dev/null || true
rm -rf "$folder"
