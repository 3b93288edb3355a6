//! Decides which network addresses a receiver may have.
//!
//! A webhook makes this machine send a request to an address that somebody else may
//! choose. The owner of the name in it could otherwise reach services that only this
//! machine can reach. Source: the special-purpose registries of IANA (RFC 6890), as
//! far as they are not globally reachable.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The kinds of address that the user allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// An address that is not public.
    pub private: bool,
    /// A public address without TLS.
    pub plain: bool,
}

/// The reason why an address is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The address is not public.
    #[error("it is at {address}, which is {what}")]
    Private {
        /// The address.
        address: IpAddr,
        /// The kind of address.
        what: &'static str,
    },
    /// The address is public, and the connection has no TLS.
    #[error("it is at {0}, a public address, and plain http can be read on the way")]
    Plain(IpAddr),
}

impl Allowed {
    /// Checks whether a receiver may be at this address, with TLS (`secure`) or
    /// without.
    ///
    /// # Errors
    /// The address is refused.
    pub fn judge(self, address: IpAddr, secure: bool) -> Result<(), Refused> {
        match (not_public(address), self.private) {
            (Some(what), false) => Err(Refused::Private { address, what }),
            (Some(_), true) => Ok(()),
            (None, _) if secure || self.plain => Ok(()),
            (None, _) => Err(Refused::Plain(address)),
        }
    }
}

/// Returns the kind of an address that is not public.
fn not_public(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    }
}

fn v4(address: Ipv4Addr) -> Option<&'static str> {
    Some(match address.octets() {
        [0, ..] => "this machine itself",
        [127, ..] => "this machine itself (loopback)",
        [10, ..] | [192, 168, ..] => "in a private network",
        [172, b, ..] if b & 0xf0 == 16 => "in a private network",
        [100, b, ..] if b & 0xc0 == 64 => "in a provider's own network",
        [169, 254, ..] => "link-local",
        [192, 0, 0, _] | [192, 88, 99, _] => "reserved",
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => "for examples only",
        [198, 18 | 19, ..] => "for tests of networks only",
        [224..=239, ..] => "multicast",
        [240..=255, ..] => "reserved",
        _ => return None,
    })
}

fn v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    // The last 32 bits, and those after the first 16.
    let low = Ipv4Addr::from((u32::from(segments[6]) << 16) | u32::from(segments[7]));
    let high = Ipv4Addr::from((u32::from(segments[1]) << 16) | u32::from(segments[2]));
    Some(match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => "this machine itself",
        [0, 0, 0, 0, 0, 0, 0, 1] => "this machine itself (loopback)",
        // Other spellings of an IPv4 address: mapped, and translated (NAT64).
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => return v4(low),
        [0x2002, ..] => return v4(high),
        [a, ..] if a & 0xfe00 == 0xfc00 => "in a private network",
        [a, ..] if a & 0xffc0 == 0xfe80 => "link-local",
        [a, ..] if a & 0xff00 == 0xff00 => "multicast",
        [0x2001, b, ..] if b < 0x200 => "reserved",
        [0x2001, 0xdb8, ..] => "for examples only",
        [0x3fff, b, ..] if b < 0x1000 => "for examples only",
        [a, ..] if a & 0xe000 == 0x2000 => return None,
        _ => "reserved",
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judged(address: &str) -> Option<&'static str> {
        not_public(address.parse().unwrap_or_else(|_| panic!("{address}")))
    }

    #[test]
    fn what_only_this_machine_reaches() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "127.255.255.254",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "169.254.169.254",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::2",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::10.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a00:1::",
            "3fff::1",
            "4000::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(judged(address).is_some(), "{address}");
        }
    }

    #[test]
    fn what_everybody_reaches() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "169.253.0.1",
            "192.0.1.1",
            "192.167.0.1",
            "192.169.0.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2002:808:808::",
            "2606:4700::1111",
            "3fff:1000::1",
        ] {
            assert_eq!(judged(address), None, "{address}");
        }
    }

    #[test]
    fn what_is_allowed() {
        let (near, far) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([8, 8, 8, 8]));
        let none = Allowed::default();
        let private = Allowed {
            private: true,
            ..none
        };
        let plain = Allowed { plain: true, ..none };
        for secure in [false, true] {
            assert!(matches!(none.judge(near, secure), Err(Refused::Private { .. })));
            assert!(matches!(plain.judge(near, secure), Err(Refused::Private { .. })));
            assert_eq!(private.judge(near, secure), Ok(()));
            assert_eq!(plain.judge(far, secure), Ok(()));
        }
        assert_eq!(none.judge(far, true), Ok(()));
        assert_eq!(none.judge(far, false), Err(Refused::Plain(far)));
        assert_eq!(private.judge(far, false), Err(Refused::Plain(far)));
    }

    proptest! {
        #[test]
        fn an_address_is_the_same_in_any_spelling(bits in any::<u32>()) {
            let four = Ipv4Addr::from(bits);
            let [a, b, c, d] = four.octets();
            let pair = |x, y| u16::from_be_bytes([x, y]);
            for six in [
                four.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, pair(a, b), pair(c, d)),
                Ipv6Addr::new(0x2002, pair(a, b), pair(c, d), 0, 0, 0, 0, 1),
            ] {
                prop_assert_eq!(v4(four), v6(six));
            }
            // The standard library can check only some of the ranges.
            if four.is_private() || four.is_loopback() || four.is_link_local() || four.is_multicast()
                || four.is_documentation() || four.is_unspecified() || four.is_broadcast()
            {
                prop_assert!(v4(four).is_some());
            }
        }
    }
}
