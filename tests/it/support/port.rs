//! Ports for the servers of tests.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

/// The first port, below those that systems give to clients.
const FIRST: u32 = 10_000;
/// How many there are.
const MANY: u32 = 20_000;

/// A port that nobody listens at, and that no other test of this run is given: of
/// two servers with one port, the second would seem to answer as long as the first
/// one does.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..MANY {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (std::process::id().wrapping_mul(97) + next) % MANY;
        let port = u16::try_from(port).expect("a port");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}
