//! What only this installation can compute of a text: callers are told apart by it, and addresses signed.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

fn keyed(key: &[u8], text: &str) -> Hmac<Sha256> {
    // RFC 2104: a key of any length will do; longer ones are hashed first.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(text.as_bytes());
    mac
}

/// A key of its own for one purpose.
pub fn derived(key: &[u8], purpose: &str) -> [u8; 32] {
    keyed(key, purpose).finalize().into_bytes().into()
}

/// HMAC-SHA-256 in hexadecimal digits.
pub fn of(key: &[u8], text: &str) -> String {
    hex::encode(keyed(key, text).finalize().into_bytes())
}

/// Whether these digits are the text's; how long that takes tells nothing of them.
pub fn is_of(key: &[u8], text: &str, digits: &str) -> bool {
    hex::decode(digits).is_ok_and(|bytes| keyed(key, text).verify_slice(&bytes).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_text_agree() {
        let digits = of(b"key", "a text");
        assert!(is_of(b"key", "a text", &digits));
        assert!(!is_of(b"key", "another", &digits) && !is_of(b"another", "a text", &digits));
        assert!(!is_of(b"key", "a text", "") && !is_of(b"key", "a text", "not hex"));
    }
}
