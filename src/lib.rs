//! Modelry: a model registry that lives in a Git repository.
//!
//! Everything above `git` is a functional core: (prior, next, author of each
//! change, policy) to findings, and (snapshot, request) to edits. It names no
//! disk, no clock, no terminal and no Git library; a test reads the imports and
//! keeps it so.
//!
//! The map, in the order of a judgement:
//!
//! | room | what it is |
//! | --- | --- |
//! | [`model`] | nouns: what the files say, one file per kind |
//! | [`source`] | one YAML text: read strictly, point into it, edit it |
//! | [`schema`] | types to JSON Schema; what does not fit, in words |
//! | [`canonical`], [`subject`] | canonical bytes (RFC 8785); what is signed and approved |
//! | [`raw`] | commit and tree bytes, read strictly; the trait [`raw::Objects`] |
//! | [`snapshot`] | every record at one tree, typed, read on demand |
//! | [`change`] | what differs between two snapshots: the centre |
//! | [`verify`] | bytes and keys to a verdict |
//! | [`access`] | who may, and who counts |
//! | [`finding`] | findings, notes, places, reports |
//! | [`rules`] | verbs: one file per rule, and the only loop |
//! | [`history`] | the mainline, step by step |
//! | [`audit`] | what the judge saw from the root to the tip, who stands behind it, and checkpoints |
//! | [`expr`] | the only room that names cel: conditions, bounded |
//! | [`resolve`] | what to deploy |
//! | [`event`] | what happened, change by change, for those who react to it |
//! | [`summary`] | what a change means, for who must decide |
//! | [`act`] | what writing commands do to the files |
//! | [`render`] | reports, tables and cards as text; decides nothing |
//! | [`exchange`] | foreign formats, one file each |
//! | [`git`] | the only room that names git2 |
//! | [`sign`] | runs git's signing programs |
//! | [`disk`] | files on disk, and writes that happen whole or not at all |
//! | [`forge`] | Git hosts: the page that opens a pull request |
//! | [`fetch`] | artifacts brought to a folder, over file, https and s3; what an MLflow server answers |
//! | [`workspace`] | a registry in a repository: folder, mainline, root |
//! | [`proof`] | proving a tip, from the root or the last verified point |
//! | [`notify`] | events told to a receiver or a program, each at least once |
//! | [`host`] | what Git's hooks and CI jobs do: a push judged on the server, what is staged judged in a clone, what a CI system's event is about |
//! | [`cli`] | one file per command or family: parse, call, render |
//! | [`text`] | words and lines that several rooms need |
//! | [`error`] | why we could not look; hints as data |

pub mod access;
pub mod act;
pub mod audit;
pub mod canonical;
pub mod change;
pub mod cli;
pub mod disk;
pub mod error;
pub mod event;
pub mod exchange;
pub mod expr;
pub mod fetch;
pub mod finding;
pub mod forge;
pub mod git;
pub mod history;
pub mod host;
pub mod model;
pub mod notify;
pub mod proof;
pub mod raw;
pub mod render;
pub mod resolve;
pub mod rules;
pub mod schema;
pub mod sign;
pub mod snapshot;
pub mod source;
pub mod subject;
pub mod summary;
pub mod text;
pub mod verify;
pub mod workspace;
