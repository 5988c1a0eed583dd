//! Signatures: the Standard Webhooks specification's, and that of DingTalk's robots.

use crate::lang::Message;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use rand::RngExt;
use sha2::Sha256;

const PREFIX: &str = "whsec_";
/// What the specification wants of a key.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A fresh secret.
pub fn new_secret() -> String {
    let key: [u8; 32] = rand::rng().random();
    format!("{PREFIX}{}", BASE64.encode(key))
}

/// Refuses a secret that is not one by the specification.
pub fn check_secret(secret: &str) -> Result<(), Message> {
    let key = key_of(secret).filter(|key| KEY_BYTES.contains(&key.len()));
    key.map(|_| ()).ok_or_else(|| Message::new("密钥须为 whsec_ 加 24 至 64 字节的 Base64"))
}

fn key_of(secret: &str) -> Option<Vec<u8>> {
    BASE64.decode(secret.strip_prefix(PREFIX)?).ok()
}

/// The `webhook-signature` of a message sent at `timestamp` (seconds).
pub fn standard(secret: &str, id: &str, timestamp: i64, body: &str) -> String {
    let key = key_of(secret).unwrap_or_default();
    format!("v1,{}", mac(&key, &format!("{id}.{timestamp}.{body}")))
}

/// What DingTalk's robots want appended to their address at `timestamp` (milliseconds).
pub fn dingtalk(secret: &str, timestamp: i64) -> String {
    let sign = mac(secret.as_bytes(), &format!("{timestamp}\n{secret}"));
    let sign = form_urlencoded::byte_serialize(sign.as_bytes()).collect::<String>();
    format!("timestamp={timestamp}&sign={sign}")
}

fn mac(key: &[u8], text: &str) -> String {
    // RFC 2104: a key of any length will do.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(text.as_bytes());
    BASE64.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn a_message_is_signed_as_the_specification_does() {
        let signed = standard(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_made_secret_is_one_and_another_thing_is_not() {
        assert!(check_secret(&new_secret()).is_ok());
        assert_ne!(new_secret(), new_secret());
        for wrong in ["", "secret", "whsec_", "whsec_c2hvcnQ=", "whsec_???"] {
            assert!(check_secret(wrong).is_err(), "{wrong}");
        }
    }
}
