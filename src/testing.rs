//! What tests, benchmarks and fuzz targets call beside the binary, room by room.
//!
//! Everything that is named here counts as used, so each line keeps code alive that the
//! compiler would report otherwise. A test that can go through the binary does.

pub mod act {
    pub use crate::act::{
        AnnotateRequest, Draft, GroupRequest, RegisterRequest, WriteContext, annotate, create_group, promote,
        register, review, settle, sign, to_sign,
    };
}
pub mod base {
    pub use crate::base::{Error, ObjectFormat, ObjectKind, Oid};
}
pub mod cli {
    pub use crate::cli::definition;
}
pub mod git {
    pub use crate::git::{Budget, Repo, disk, merge_text};
}
pub mod judge {
    pub use crate::judge::rules;
    pub mod checkpoint {
        pub use crate::judge::checkpoint::Checkpoint;
    }
    pub mod finding {
        pub use crate::judge::finding::{Finding, Label, Note, Place, Remedy, Report, RuleInfo, Side, Tried};
    }
    pub mod history {
        pub use crate::judge::history::{
            COMMIT_NAMESPACE, Graph, Past, Planner, Replay, add_protected, chain, read_commit,
        };
    }
}
pub mod net {
    pub mod notify {
        pub use crate::net::notify::Cursor;
    }
}
pub mod object {
    pub use crate::object::{
        CachedObjects, Commit, Entry, FileChange, Memory, Mode, Objects, Overlay, Tree, Whole, diff, edit,
        lookup, read_tree,
    };
}
pub mod record {
    pub use crate::record::{schema, snapshot, subject, yaml};
    pub mod canonical {
        pub use crate::record::canonical::{canonical, sha256};
    }
    pub mod change {
        pub use crate::record::change::diff;
    }
    pub mod kind {
        pub use crate::record::kind::{
            Action, ActorId, Address, Decision, Digest, Form, GroupName, Kind, Landing, ModelCard,
            RecordKind, RecordPath, Registry, StageName, Status, UriFault, VersionId, cleaned_text,
            cleaned_uri, concealed, concealed_in_place, masked_text, pinned_image, text_fault, text_secrets,
            uri_fault,
        };
    }
}
pub mod report {
    pub use crate::report::{
        Format, Page, Style, audit_schema, clean, report, schema, summary_markdown, summary_terminal,
    };
    pub mod event {
        pub use crate::report::event::{result_schema, schema, types};
    }
    pub mod summary {
        pub use crate::report::summary::{
            Approval, Comparison, Counting, EvidencePart, Field, GatePart, Metric, Phrase, PolicyLine,
            PolicyPart, ReviewPart, StagePart, Summary, Than, VersionPart, Why, policy_lines,
        };
    }
}
pub mod signature {
    pub use crate::signature::{Certificate, OpenPgpFault, PublicKey, openpgp, peek, verify};
}
pub mod trust {
    pub use crate::trust::condition::Expr;
    pub use crate::trust::{
        Candidate, Carrier, Carriers, HistoryView, Policy, Shortfall, Verdict, are_enough, path_glob, tally,
    };
}
pub mod workspace {
    pub use crate::workspace::Wanted;
    pub mod verdict {
        pub use crate::workspace::verdict::{JudgeRequest, Update, What, judge};
    }
}
