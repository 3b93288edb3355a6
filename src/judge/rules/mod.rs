//! Rules: one file for each, a static record and a plain function. This file has the list
//! of them, the scene that they look at, and the only loop.
//!
//! A rule sees one thing at a time (a fault of reading, a change, a new policy, a step),
//! so `return` in a rule never hides a later fault.

mod bounded;
mod judge;
mod moved;
mod place;
mod restored;
mod scene;

mod mr001_not_utf8;
mod mr002_line_ending;
mod mr003_control_character;
mod mr004_yaml_syntax;
mod mr005_not_one_document;
mod mr006_anchor_or_alias;
mod mr007_yaml_tag;
mod mr008_duplicate_key;
mod mr009_bad_key;
mod mr010_explicit_null;
mod mr011_ambiguous_scalar;
mod mr012_bad_number;
mod mr013_too_large;
mod mr014_schema_mismatch;
mod mr015_unknown_format;
mod mr016_wrong_kind;
mod mr017_merge_marker;
mod mr101_stray_file;
mod mr102_bad_name;
mod mr103_name_case_clash;
mod mr104_identity_mismatch;
mod mr105_not_a_plain_file;
mod mr106_malformed_tree;
mod mr107_orphan_record;
mod mr108_number_too_high;
mod mr109_unknown_actor;
mod mr110_unknown_stage;
mod mr111_unknown_version;
mod mr112_unsafe_address;
mod mr113_over_the_limit;
mod mr201_frozen_field;
mod mr202_record_removed;
mod mr203_illegal_transition;
mod mr204_decided_content_changed;
mod mr205_revision_not_raised;
mod mr206_card_authors;
mod mr207_tombstone_changed;
mod mr208_deletion_not_allowed;
mod mr209_undigested_approval;
mod mr210_stage_needs_approved;
mod mr211_serving_version_left;
mod mr212_stage_previous;
mod mr213_archival_without_move;
mod mr214_tombstone_subject;
mod mr215_import_not_granted;
mod mr216_group_renamed;
mod mr301_unsigned_change;
mod mr302_unknown_key;
mod mr303_bad_commit_signature;
mod mr304_spent_key;
mod mr305_bad_record_signature;
mod mr306_author_mismatch;
mod mr307_not_granted;
mod mr308_quorum_not_reached;
mod mr309_team_not_heard;
mod mr310_card_incomplete;
mod mr311_standing_rejection;
mod mr312_rejection_unsupported;
mod mr313_archival_missing;
mod mr314_author_replaced;
mod mr315_loose_commit;
mod mr316_gate_not_met;
mod mr317_revoked_key_used;
mod mr318_bad_delegation;
mod mr401_serial_not_raised;
mod mr402_policy_mixed;
mod mr403_policy_unauthorised;
mod mr404_registry_identity;
mod mr405_actor_removed;
mod mr406_shared_key;
mod mr407_key_removed;
mod mr408_lock_out;
mod mr409_quorum_unreachable;
mod mr410_ownerless_machine;
mod mr411_bad_glob;
mod mr412_too_much_power;
mod mr413_unknown_name_in_policy;
mod mr414_revocation_undone;
mod mr415_unusable_key;
mod mr416_machines_without_gate;
mod mr417_duplicate_name;
mod mr418_bad_gate;
mod mr419_bad_since;
mod mr420_shared_account;
mod mr501_bad_root;
mod mr502_rewritten_mainline;
mod mr503_octopus_merge;
mod mr504_unrelated_history;
mod mr505_inverted_mainline;
mod mr506_checkpoint_mismatch;
mod mr507_bad_checkpoint_signature;
mod mr508_merge_conflict;
mod mr509_mainline_deleted;
mod mr510_forbidden_reference;

pub use judge::{Decided, document_findings, judge, of_text, state_findings};
pub use mr106_malformed_tree::malformed_tree;
pub use mr112_unsafe_address::{KEPT, instead, unsafe_addresses};
pub use mr315_loose_commit::ambiguous_commit;
pub use mr316_gate_not_met::gate_findings;
pub use mr317_revoked_key_used::revoked_key_used;
pub use mr419_bad_since::bad_since;
pub use mr502_rewritten_mainline::{replaced_mainline, rewound_mainline, rewritten_mainline, told_mainline};
pub use mr503_octopus_merge::octopus_merge;
pub use mr504_unrelated_history::unrelated_history;
pub use mr505_inverted_mainline::inverted_mainline;
pub use mr506_checkpoint_mismatch::checkpoint_mismatch;
pub use mr507_bad_checkpoint_signature::{bad_checkpoint_signature, lost_checkpoint_signature};
pub use mr508_merge_conflict::{merge_conflict, renamed_into};
pub use mr509_mainline_deleted::mainline_deleted;
pub use mr510_forbidden_reference::forbidden_reference;
pub use place::Resolver;
pub use scene::{DistrustedChange, Findings, PolicyScene, Scene, Step};

use crate::base::Error;
use crate::judge::finding::RuleInfo;
use crate::record::snapshot::ReadFault;

/// Every rule, in the order of the codes. A test holds this list, the files of this folder and the
/// fixtures together.
pub static RULES: &[&Rule] = &[
    &mr001_not_utf8::RULE,
    &mr002_line_ending::RULE,
    &mr003_control_character::RULE,
    &mr004_yaml_syntax::RULE,
    &mr005_not_one_document::RULE,
    &mr006_anchor_or_alias::RULE,
    &mr007_yaml_tag::RULE,
    &mr008_duplicate_key::RULE,
    &mr009_bad_key::RULE,
    &mr010_explicit_null::RULE,
    &mr011_ambiguous_scalar::RULE,
    &mr012_bad_number::RULE,
    &mr013_too_large::RULE,
    &mr014_schema_mismatch::RULE,
    &mr015_unknown_format::RULE,
    &mr016_wrong_kind::RULE,
    &mr017_merge_marker::RULE,
    &mr101_stray_file::RULE,
    &mr102_bad_name::RULE,
    &mr103_name_case_clash::RULE,
    &mr104_identity_mismatch::RULE,
    &mr105_not_a_plain_file::RULE,
    &mr106_malformed_tree::RULE,
    &mr107_orphan_record::RULE,
    &mr108_number_too_high::RULE,
    &mr109_unknown_actor::RULE,
    &mr110_unknown_stage::RULE,
    &mr111_unknown_version::RULE,
    &mr112_unsafe_address::RULE,
    &mr113_over_the_limit::RULE,
    &mr201_frozen_field::RULE,
    &mr202_record_removed::RULE,
    &mr203_illegal_transition::RULE,
    &mr204_decided_content_changed::RULE,
    &mr205_revision_not_raised::RULE,
    &mr206_card_authors::RULE,
    &mr207_tombstone_changed::RULE,
    &mr208_deletion_not_allowed::RULE,
    &mr209_undigested_approval::RULE,
    &mr210_stage_needs_approved::RULE,
    &mr211_serving_version_left::RULE,
    &mr212_stage_previous::RULE,
    &mr213_archival_without_move::RULE,
    &mr214_tombstone_subject::RULE,
    &mr215_import_not_granted::RULE,
    &mr216_group_renamed::RULE,
    &mr301_unsigned_change::RULE,
    &mr302_unknown_key::RULE,
    &mr303_bad_commit_signature::RULE,
    &mr304_spent_key::RULE,
    &mr305_bad_record_signature::RULE,
    &mr306_author_mismatch::RULE,
    &mr307_not_granted::RULE,
    &mr308_quorum_not_reached::RULE,
    &mr309_team_not_heard::RULE,
    &mr310_card_incomplete::RULE,
    &mr311_standing_rejection::RULE,
    &mr312_rejection_unsupported::RULE,
    &mr313_archival_missing::RULE,
    &mr314_author_replaced::RULE,
    &mr315_loose_commit::RULE,
    &mr316_gate_not_met::RULE,
    &mr317_revoked_key_used::RULE,
    &mr318_bad_delegation::RULE,
    &mr401_serial_not_raised::RULE,
    &mr402_policy_mixed::RULE,
    &mr403_policy_unauthorised::RULE,
    &mr404_registry_identity::RULE,
    &mr405_actor_removed::RULE,
    &mr406_shared_key::RULE,
    &mr407_key_removed::RULE,
    &mr408_lock_out::RULE,
    &mr409_quorum_unreachable::RULE,
    &mr410_ownerless_machine::RULE,
    &mr411_bad_glob::RULE,
    &mr412_too_much_power::RULE,
    &mr413_unknown_name_in_policy::RULE,
    &mr414_revocation_undone::RULE,
    &mr415_unusable_key::RULE,
    &mr416_machines_without_gate::RULE,
    &mr417_duplicate_name::RULE,
    &mr418_bad_gate::RULE,
    &mr419_bad_since::RULE,
    &mr420_shared_account::RULE,
    &mr501_bad_root::RULE,
    &mr502_rewritten_mainline::RULE,
    &mr503_octopus_merge::RULE,
    &mr504_unrelated_history::RULE,
    &mr505_inverted_mainline::RULE,
    &mr506_checkpoint_mismatch::RULE,
    &mr507_bad_checkpoint_signature::RULE,
    &mr508_merge_conflict::RULE,
    &mr509_mainline_deleted::RULE,
    &mr510_forbidden_reference::RULE,
];

/// A rule: its description, and its check.
pub struct Rule {
    /// Its public face.
    pub info: RuleInfo,
    /// The function.
    pub check: Check,
}

/// The input of a rule.
pub enum Check {
    /// One fault of reading: whether it is this rule's.
    Fault(fn(&ReadFault) -> bool),
    /// One change.
    Change(fn(&Scene<'_>, &mut Findings) -> Result<(), Error>),
    /// One step, as a whole.
    Step(fn(&Step<'_>, &mut Findings) -> Result<(), Error>),
    /// A policy that a step adds.
    Policy(fn(&PolicyScene<'_>, &mut Findings) -> Result<(), Error>),
    /// The history as a whole: the walk along the mainline finds it.
    History,
}

/// Finds the rule of this code or name, ignoring case.
pub fn find(code_or_name: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| {
        rule.info.code.eq_ignore_ascii_case(code_or_name) || rule.info.name.eq_ignore_ascii_case(code_or_name)
    })
}
