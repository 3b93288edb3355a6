//! The command line: what each command says, asks and writes, and what follows a wrong
//! turn.

mod again;
mod commands;
mod deciding;
mod errors;
mod first_steps;
mod guidance;
mod hints;
mod located;
mod looking;
mod nothing_to_do;
mod plain_words;
mod remedies;
mod resolve;
mod standing;
mod typed;
mod write_results;
