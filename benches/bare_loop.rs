//! The least that a proof of commits could cost: reads the first parents of
//! HEAD and verifies each commit's SSH signature, and asks nothing else.
//!
//! ```text
//! cargo run --release --example bare_loop -- DIR
//! ```

#![allow(clippy::print_stdout, reason = "a program of its own")]

use std::path::PathBuf;
use std::time::Instant;

use modelry::testing::git::Repo;
use modelry::testing::judge::history;
use modelry::testing::object::CachedObjects;
use modelry::testing::signature;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = PathBuf::from(std::env::args_os().nth(1).ok_or("name a repository")?);
    let repo = Repo::open(&directory)?;
    let objects = repo.objects()?;
    let kept = CachedObjects::new(&objects);
    let tip = repo.resolve("HEAD")?;
    let start = Instant::now();
    let commits = history::chain(&kept, None, tip)?;
    let read = start.elapsed();
    let mut good = 0_usize;
    for commit in &commits {
        if let Some(signature) = &commit.signature {
            let signer = signature::verify(&signature.armor, history::COMMIT_NAMESPACE, &commit.payload);
            good += usize::from(signer.is_ok());
        }
    }
    println!(
        "{} commits read in {read:.2?}; {good} signatures good; {:.2?} in all",
        commits.len(),
        start.elapsed()
    );
    Ok(())
}
