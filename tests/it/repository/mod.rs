//! Repositories as users have them: odd clones, odd names, and commands that are
//! killed.

mod behind;
mod git_eyes;
mod hostile_names;
mod killed;
mod partial;
mod repositories;
mod unpushed;
