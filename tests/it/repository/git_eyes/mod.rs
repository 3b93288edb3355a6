//! The work tree is judged, and written, as git sees it: clones whose disk differs
//! from what is stored, although `git status` shows nothing.

mod clones;
mod halfway;
mod moved;
mod renamed;
