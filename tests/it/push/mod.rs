//! `--push` and `--pr`: many writers, and servers that fail.

mod pull_request;
mod remote_secrets;
mod server;
mod soak;
mod writers;
