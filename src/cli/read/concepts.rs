//! The words of a registry, each explained in a few lines.

use crate::record::kind::REGISTRY_FILE;

/// A concept that `modelry explain` knows beside the rules.
pub struct Concept {
    /// The concept's name.
    pub name: &'static str,
    /// Other words for the concept.
    pub aliases: &'static [&'static str],
    /// A summary in one sentence, without its subject.
    pub summary: &'static str,
    /// An explanation in a few sentences.
    pub docs: &'static str,
    /// Codes of the rules that concern it.
    pub rules: &'static [&'static str],
}

impl Concept {
    /// The section of the book that explains it, from the top of Modelry's source.
    pub fn page(&self) -> String {
        format!("docs/glossary.md#{}", self.name)
    }
}

/// Returns the concept of this name, in any case and with any hyphens.
pub fn find(wanted: &str) -> Option<&'static Concept> {
    let bare = |word: &str| word.to_lowercase().replace(['-', '_', ' '], "");
    let wanted = bare(wanted);
    let wanted = [wanted.as_str(), wanted.strip_suffix('s').unwrap_or(&wanted)];
    let is = |word: &&str| wanted.contains(&bare(word).as_str());
    let named = CONCEPTS.iter().find(|concept| is(&concept.name));
    named.or_else(|| CONCEPTS.iter().find(|concept| concept.aliases.iter().any(is)))
}

/// The concepts, sorted by name.
pub const CONCEPTS: &[Concept] = &[
    Concept {
        name: "acknowledged",
        aliases: &["acknowledge"],
        summary: "a finding in history that the policy accepts, by commit and code",
        docs: r#"
History can't be changed, so a fault in it stays a finding until administrators accept
it in `acknowledged`. The report still shows it, with who accepted it.
"#,
        rules: &[],
    },
    Concept {
        name: "actor",
        aliases: &["person", "machine", "forge"],
        summary: "a person, a machine or a Git host's key that the policy lists under an id",
        docs: r#"
An actor has keys, and rights from `grants`. A change counts as an actor's when its
commit, or the record itself, is signed with one of the actor's keys. A machine has
owners, who are persons and answer for it. `modelry actor list` shows them.
"#,
        rules: &["MR301", "MR302", "MR306", "MR410"],
    },
    Concept {
        name: "approval",
        aliases: &["approve"],
        summary: "the signed reviews that move a version to Approved",
        docs: r#"
The policy's `approvals` say, group by group, how many reviews are needed, of which
teams, which sections of the card must be filled, which gates must hold, and whether
machines count. A review is of exactly the content that its author saw: when card,
evidence or spec change, it counts no more.
"#,
        rules: &["MR308", "MR309", "MR310", "MR316"],
    },
    Concept {
        name: "archival",
        aliases: &["archive"],
        summary: "the signed record that retires a version",
        docs: r#"
`modelry archive GROUP/N` makes it. An archived version resolves no more.
"#,
        rules: &["MR213", "MR313"],
    },
    Concept {
        name: "card",
        aliases: &["model-card"],
        summary: "what a reviewer should know of a version: uses, risks, training, limits",
        docs: r#"
`modelry card set` fills it. A rule of `approvals` can ask for sections of it.
"#,
        rules: &["MR206", "MR310"],
    },
    Concept {
        name: "champion",
        aliases: &[],
        summary: "the version that serves a stage which a gate compares with",
        docs: r#"
A gate names the stage: `champion: production`. The champion is what that stage serves
before the step that is judged, or `null` when it serves nothing. A challenger must be
better by the gate's own condition.
"#,
        rules: &["MR316"],
    },
    Concept {
        name: "checkpoint",
        aliases: &[],
        summary: "a file that remembers how far the history had grown",
        docs: r#"
`modelry audit --checkpoint FILE` proves that the history only grew since the file was
written. Keep it outside of the repository.
"#,
        rules: &["MR506", "MR507"],
    },
    Concept {
        name: "digest",
        aliases: &["content"],
        summary: "the SHA-256 that fixes bytes, or the content of a version",
        docs: r#"
An artifact without a digest can't be approved: its bytes could change. A review names
the digest of the version's content, which `modelry show` prints.
"#,
        rules: &["MR209"],
    },
    Concept {
        name: "evidence",
        aliases: &["observation", "evaluation"],
        summary: "a measured evaluation of a version that is part of what is approved",
        docs: r#"
`modelry evidence add` adds it while a version is Pending. What is learnt later is an
observation (`--observation`), which is no part of the approval.
"#,
        rules: &["MR204"],
    },
    Concept {
        name: "four-eyes",
        aliases: &["foureyes", "separation-of-duties"],
        summary: "the author of a version does not count among those who approve it",
        docs: r#"
Four eyes are asked for unless the policy says `fourEyes: false` in the rule of the
group. It is not only the id that counts: a machine counts as its owners, so that a
person can't register with a machine and approve alone. Who changed the card or added
evidence is an author as well.
"#,
        rules: &["MR308"],
    },
    Concept {
        name: "gate",
        aliases: &["gates"],
        summary: "a condition on a version that an approval or a stage asks for",
        docs: r#"
A gate is an expression over the version, its evidence and the champion:
`metrics.auc >= 0.85 && (champion == null || metrics.auc >= champion.metrics.auc)`.
It is evaluated when the version is approved or put on a stage.
"#,
        rules: &["MR316", "MR418"],
    },
    Concept {
        name: "grant",
        aliases: &["right", "rights"],
        summary: "an action that the policy lets an actor or a team do, in named groups",
        docs: r#"
What nobody is granted, nobody may do. `modelry grant add risk-1 --allow approve
--groups 'fraud-*'` gives a right; `modelry whoami` shows yours.
"#,
        rules: &["MR307"],
    },
    Concept {
        name: "landing",
        aliases: &["land", "squash", "rebase", "merge"],
        summary: "how a pull request reaches the mainline: by a merge, a squash, a rebase or a fast-forward",
        docs: r#"
A squash and a rebase make new commits, without the signatures of the old ones. What is
signed in the record itself survives that; what only a commit's signature said does not.
`modelry validate --onto` judges a branch in each way that the policy's `landing` allows.
"#,
        rules: &["MR301", "MR315"],
    },
    Concept {
        name: "mainline",
        aliases: &["trunk"],
        summary: "the branch whose first parents are the registry's history",
        docs: r#"
Each commit along it is a step, and each step is judged. A change on another branch
counts when it has landed. `git config modelry.mainline NAME` says which branch it is.
"#,
        rules: &["MR502", "MR505"],
    },
    Concept {
        name: "pin",
        aliases: &["trust"],
        summary: "the root that a clone believes, kept in its Git configuration",
        docs: r#"
`modelry trust` shows the root, and `modelry trust OID` pins it in `modelry.root`. A clone
with a pinned root takes no other history for this registry. Compare the id with what
somebody told you out of band before you pin it.
"#,
        rules: &["MR501"],
    },
    Concept {
        name: "policy",
        aliases: &["registry", REGISTRY_FILE],
        summary: "what `registry.yaml` says: actors, grants, approvals, stages, landing",
        docs: r#"
The policy is part of the registry, and changes as everything else does: by signed
commits. A change is judged by the policy before it, so no change can allow itself.
`modelry policy show` prints it.
"#,
        rules: &["MR401", "MR402", "MR403"],
    },
    Concept {
        name: "quorum",
        aliases: &["required"],
        summary: "how many reviews an approval needs",
        docs: r#"
`required: 2` in a rule of `approvals` asks for two reviews that count: by different
actors with the right to approve there, of the version's present content, that stand
apart from its author where four eyes are asked for. `modelry show GROUP/N` says how
many are missing, and who could give them.
"#,
        rules: &["MR308", "MR409"],
    },
    Concept {
        name: "recovery",
        aliases: &["recovery-key"],
        summary: "a person whose key lies in a safe, for the day when too few administrators are left",
        docs: r#"
`modelry init --recovery-key safe.pub` names one under `policyChange.recovery`. Such a
person counts as an administrator only while fewer are left than a change of the policy
needs: revoke the lost keys first, then `modelry actor add-key` for an administrator who
is there, or `modelry actor add` for a new one.
"#,
        rules: &["MR403", "MR408"],
    },
    Concept {
        name: "relay",
        aliases: &["delegated", "delegation"],
        summary: "a review that was given on a Git host's page, reported by a machine",
        docs: r#"
It counts only as far as the policy's `delegated` says, and only for persons who list
that account.
"#,
        rules: &["MR318"],
    },
    Concept {
        name: "review",
        aliases: &["rejection"],
        summary: "one actor's signed decision about one version: approve, reject or withdraw",
        docs: r#"
A review names the digest of the content that it is about. Its author can replace it or
withdraw it. A standing rejection keeps the version from being approved.
"#,
        rules: &["MR311", "MR312"],
    },
    Concept {
        name: "revocation",
        aliases: &["revoked", "revoke-key", "since", "reaffirm"],
        summary: "an entry of the policy that ends a key, from now on or since an earlier commit",
        docs: r#"
`modelry actor revoke-key KEY --since REV` says that the key proves nothing after REV.
What it proved since then is a finding. Taking a version out of use is never stopped by
it; a version that is right after all is accepted with `--reaffirm GROUP/N`.
"#,
        rules: &["MR317", "MR419"],
    },
    Concept {
        name: "root",
        aliases: &[],
        summary: "the registry's first commit, which brings the first policy",
        docs: r#"
Nothing before it can judge it, so that it is believed or not: its id is what a clone is
told out of band, and pins.
"#,
        rules: &["MR501", "MR404"],
    },
    Concept {
        name: "serial",
        aliases: &["revision"],
        summary: "the number of a policy, or of a review or stage: each change adds one",
        docs: r#"
`serial` in `registry.yaml` rises by one with each change of the policy, `revision` with
each change of a review, a card or a stage. So an older text that comes back is a change
that everybody sees. The commands write it; by hand it is yours to raise.
"#,
        rules: &["MR401", "MR205"],
    },
    Concept {
        name: "stage",
        aliases: &["promote", "stages"],
        summary: "a name in a group, such as `production`, under which one version serves",
        docs: r#"
`modelry promote GROUP/N STAGE` moves it, `modelry rollback` takes it back to what
served before. A stage can ask that its version is Approved, and for gates.
`modelry resolve GROUP@STAGE` answers what serves there.
"#,
        rules: &["MR210", "MR211", "MR212"],
    },
    Concept {
        name: "tombstone",
        aliases: &["delete", "deletion"],
        summary: "what stays of a deleted version or group, so that its name is never used again",
        docs: r#"
`modelry delete` leaves it, with the digest of what was there.
"#,
        rules: &["MR207", "MR214"],
    },
    Concept {
        name: "version",
        aliases: &["group"],
        summary: "a registered model with a number in its group; frozen but for its status and notes",
        docs: r#"
Statuses go Pending, then Approved or Rejected, then Archived. A version never changes:
register another one instead.
"#,
        rules: &["MR201", "MR203"],
    },
];
