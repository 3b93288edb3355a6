//! AWS on this machine: moto, a server from PyPI, and AWS's own command line.

use std::process::{Child, Command, Stdio};

use super::port::free_port;
use super::python::Packages;
use super::wait::wait_for;

/// The packages of a test of AWS.
pub static PACKAGES: Packages = Packages {
    folder: "python-aws",
    imports: "import moto.server, boto3, awscli",
    names: &["moto[server]", "boto3", "awscli"],
    options: &[],
};

/// A server on a port of its own, with a throwaway key, until the test ends.
pub struct Moto {
    process: Child,
    pub endpoint: String,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Moto {
    pub fn open() -> Moto {
        let port = free_port();
        let process = PACKAGES
            .python3()
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3");
        let moto = Moto {
            process,
            endpoint: format!("http://127.0.0.1:{port}"),
        };
        let is_up = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        wait_for("the start of moto", is_up);
        moto
    }

    /// Lets a program talk to this server and to no other.
    pub fn environment(&self, command: &mut Command) {
        command
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_DEFAULT_REGION", "eu-central-1")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env("AWS_ACCESS_KEY_ID", "throwaway")
            .env("AWS_SECRET_ACCESS_KEY", "throwaway-secret")
            .env("AWS_SESSION_TOKEN", "throwaway-token");
    }
}
