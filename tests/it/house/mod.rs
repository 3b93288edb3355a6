//! The repository itself: its rooms, what it generates, the hosts that it names, its
//! release.

mod fuzz_seeds;
mod generated;
mod hosts;
mod release;
mod rooms;
