//! The doorway.

fn main() -> std::process::ExitCode {
    modelry::cli::run(std::env::args_os())
}
