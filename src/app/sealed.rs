//! Secrets that rows keep, sealed with a key that only this installation has: a copy of the database gives none away.
//! Each is sealed for its place, so that none opens in another's.

use super::keyed_hash;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rand::RngExt;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// What sealed texts begin with, and so what an earlier version kept in the open does not.
const PREFIX: &str = "sealed1:";

pub fn is_sealed(text: &str) -> bool {
    text.starts_with(PREFIX)
}

pub fn seal(key: &[u8], place: &str, text: &str) -> String {
    // Random ones of this length do not meet before some billions were drawn.
    let nonce: [u8; NONCE_LEN] = rand::rng().random();
    let mut bytes = text.as_bytes().to_vec();
    let sealed = cipher(key).seal_in_place_append_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(place.as_bytes()),
        &mut bytes,
    );
    // It fails beyond 256 GiB alone.
    sealed.expect("a text far shorter than what the cipher takes");
    format!("{PREFIX}{}", BASE64.encode([&nonce[..], &bytes].concat()))
}

/// What was sealed for this place; none when it was not, or with another key.
pub fn open(key: &[u8], place: &str, sealed: &str) -> Option<String> {
    let bytes = BASE64.decode(sealed.strip_prefix(PREFIX)?).ok()?;
    let (nonce, rest) = bytes.split_first_chunk::<NONCE_LEN>()?;
    let mut rest = rest.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let text = cipher(key).open_in_place(nonce, Aad::from(place.as_bytes()), &mut rest).ok()?;
    String::from_utf8(text.to_vec()).ok()
}

fn cipher(key: &[u8]) -> LessSafeKey {
    let key = keyed_hash::derived(key, "sealed secrets");
    // 32 bytes by their type, as the cipher wants.
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key).expect("a key of the cipher's length"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_place_open_what_was_sealed() {
        let sealed = seal(b"key", "a place", "一个密钥");
        assert!(is_sealed(&sealed) && !sealed.contains("密钥"));
        assert_eq!(open(b"key", "a place", &sealed).as_deref(), Some("一个密钥"));
        assert_ne!(seal(b"key", "a place", "一个密钥"), sealed, "the same twice looks different");
        assert_eq!(open(b"another", "a place", &sealed), None);
        assert_eq!(open(b"key", "another", &sealed), None);
        for wrong in ["", "一个密钥", "sealed1:", "sealed1:c2hvcnQ=", "sealed1:???"] {
            assert_eq!(open(b"key", "a place", wrong), None, "{wrong}");
        }
    }
}
