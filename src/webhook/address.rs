//! Where pushes may go: the public internet, and those networks of its own that a city names.

use crate::lang::Message;
use ipnet::IpNet;
use std::net::IpAddr;
use std::sync::LazyLock;
use ureq::http::Uri;

const URL_MAX_CHARS: usize = 1_000;

/// Not the public internet, by IANA's registries of special-purpose addresses. Of version 6 only 2000::/3 is.
static SPECIAL: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    let nets = "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 \
        192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3 \
        ::/3 2001::/23 2001:db8::/32 2002::/16 3fff::/20 4000::/2 8000::/1";
    // Constants of this file that its tests parse.
    nets.split_whitespace().map(|net| net.parse().expect("a network")).collect()
});

/// Whether a connection to this address may be made, over TLS or without. In the open only within the city's own networks.
pub fn may_reach(address: IpAddr, over_tls: bool, own: &[IpNet]) -> bool {
    let address = address.to_canonical();
    let within = |nets: &[IpNet]| nets.iter().any(|net| net.contains(&address));
    within(own) || (over_tls && !within(&SPECIAL))
}

/// Refuses what is no address to push to; names are looked up when something is sent.
pub fn check_url(url: &str, own: &[IpNet]) -> Result<(), Message> {
    let wrong = || Message::new("须为 https:// 开头的完整地址（本地网络可用 http://）");
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let (Some(scheme @ ("https" | "http")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(wrong());
    };
    if url.len() > URL_MAX_CHARS || authority.as_str().contains('@') || authority.host().is_empty() {
        return Err(wrong());
    }
    let host = authority.host().trim_matches(['[', ']']);
    match host.parse::<IpAddr>() {
        Ok(address) if !may_reach(address, scheme == "https", own) => {
            Err(Message::new("不允许推送到这个地址：内网地址须列入设置 webhook_networks"))
        }
        _ => Ok(()),
    }
}

/// An address without what may be a key: its query.
pub fn masked(url: &str) -> String {
    match url.split_once('?') {
        Some((bare, _)) => format!("{bare}?…"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_reached_only_where_they_are_the_citys_own() {
        let special = "127.0.0.1 10.1.2.3 172.31.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 255.255.255.255 \
            ::1 :: fe80::1 fd00::1 ff02::1 ::ffff:10.0.0.1 64:ff9b::a00:1 2002:a00:1::1 2001:db8::1";
        for address in special.split_whitespace() {
            assert!(!may_reach(address.parse().unwrap(), true, &[]), "{address}");
        }
        for address in ["1.1.1.1", "203.0.112.1", "2606:4700::1111", "::ffff:1.1.1.1"] {
            assert!(may_reach(address.parse().unwrap(), true, &[]), "{address}");
            assert!(!may_reach(address.parse().unwrap(), false, &[]), "{address} in the open");
        }
        let own = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        for address in ["10.1.2.3", "::ffff:10.1.2.3", "fd00::7"] {
            assert!(may_reach(address.parse().unwrap(), false, &own), "{address}");
        }
        assert!(!may_reach("192.168.1.1".parse().unwrap(), true, &own));
    }

    #[test]
    fn what_is_no_address_to_push_to_is_refused_and_a_key_is_not_shown() {
        assert!(check_url("https://hooks.example/a?key=1", &[]).is_ok());
        let wrong =
            ["", "hooks.example", "ftp://hooks.example/", "https://a:b@hooks.example/", "/path", "https://127.0.0.1/"];
        for url in wrong.into_iter().chain(["https://[::1]/", "http://10.0.0.1/"]) {
            assert!(check_url(url, &[]).is_err(), "{url}");
        }
        assert_eq!(masked("https://hooks.example/send?key=1"), "https://hooks.example/send?…");
    }
}
