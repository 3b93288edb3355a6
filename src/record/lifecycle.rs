//! The lifecycle of a version, as a table: each way from one status to another.
//!
//! The words in MR203's page, in `docs/concepts/status-and-stages.md` and in the schema
//! of `registry.yaml` come from here.

use serde_json::{Value, json};

use super::kind::{AddedFromApproved, AddedFromPending, Registry, Status};

/// A way from one status to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The status that a version leaves.
    pub from: Status,
    /// The status that it then has.
    pub to: Status,
    /// The condition that opens the way.
    pub needs: Needs,
    /// The use of the way, as a clause: "an approval can be revoked".
    pub words: &'static str,
}

/// The condition that opens a way of the lifecycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: every policy has it.
    Always,
    /// `lifecycle.transitions` of the policy names it.
    PolicyAdds,
}

const fn edge(from: Status, to: Status, needs: Needs, words: &'static str) -> Edge {
    Edge {
        from,
        to,
        needs,
        words,
    }
}

/// Every way that there can be.
pub const EDGES: [Edge; 6] = [
    edge(
        Status::Pending,
        Status::Approved,
        Needs::Always,
        "a version can be approved",
    ),
    edge(
        Status::Pending,
        Status::Rejected,
        Needs::Always,
        "a version can be rejected",
    ),
    edge(
        Status::Approved,
        Status::Archived,
        Needs::Always,
        "an approved version can be archived",
    ),
    edge(
        Status::Rejected,
        Status::Archived,
        Needs::Always,
        "a rejected version can be archived",
    ),
    edge(
        Status::Approved,
        Status::Rejected,
        Needs::PolicyAdds,
        "an approval can be revoked",
    ),
    edge(
        Status::Pending,
        Status::Archived,
        Needs::PolicyAdds,
        "a version can be archived without a decision",
    ),
];

/// The ways that every policy has, as a literal for texts that are fixed when the
/// program is built; a test holds it to [`EDGES`].
macro_rules! graph {
    () => {
        "Pending -> Approved | Rejected -> Archived"
    };
}
pub(crate) use graph;

impl Registry {
    /// Whether a version may move from one status to the other.
    pub fn allows(&self, from: Status, to: Status) -> bool {
        EDGES.iter().any(|edge| {
            (edge.from, edge.to) == (from, to) && (edge.needs == Needs::Always || self.adds(from, to))
        })
    }

    /// The statuses that a version may move to from here.
    pub fn next(&self, from: Status) -> Vec<Status> {
        Status::ALL
            .into_iter()
            .filter(|&to| self.allows(from, to))
            .collect()
    }

    /// The ways that the policy adds.
    pub fn added_edges(&self) -> impl Iterator<Item = &'static Edge> {
        EDGES
            .iter()
            .filter(|edge| edge.needs == Needs::PolicyAdds && self.adds(edge.from, edge.to))
    }

    fn adds(&self, from: Status, to: Status) -> bool {
        let added = &self.lifecycle.transitions;
        let mut statuses: Box<dyn Iterator<Item = Status>> = match from {
            Status::Pending => Box::new(
                added
                    .pending
                    .iter()
                    .map(|AddedFromPending::Archived| Status::Archived),
            ),
            Status::Approved => Box::new(
                added
                    .approved
                    .iter()
                    .map(|AddedFromApproved::Rejected| Status::Rejected),
            ),
            Status::Rejected | Status::Archived => return false,
        };
        statuses.any(|status| status == to)
    }
}

/// Writes the table's words into the schema of `registry.yaml`.
pub(super) fn describe(schema: &mut Value) {
    let types = &mut schema["$defs"];
    types["Lifecycle"]["description"] = json!(concat!("Edges added to `", graph!(), "`."));
    for edge in EDGES.iter().filter(|edge| edge.needs == Needs::PolicyAdds) {
        types["Transitions"]["properties"][edge.from.as_str()]["description"] =
            json!(format!("`[{}]`: {}.", edge.to, edge.words));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::kind::Kind;
    use crate::record::schema;

    /// The ways that every policy has: each status after those that lead to it.
    fn drawn() -> String {
        let mut layers: Vec<Vec<Status>> = Vec::new();
        let is_placed =
            |layers: &[Vec<Status>], status| layers.iter().flatten().any(|placed| *placed == status);
        while layers.iter().flatten().count() < Status::ALL.len() {
            let is_next = |to: &Status| {
                let mut ways = EDGES.iter().filter(|edge| edge.needs == Needs::Always);
                !is_placed(&layers, *to) && ways.all(|edge| edge.to != *to || is_placed(&layers, edge.from))
            };
            let next: Vec<Status> = Status::ALL.into_iter().filter(is_next).collect();
            assert!(!next.is_empty(), "the ways go in a circle");
            layers.push(next);
        }
        let words = |layer: &Vec<Status>| layer.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(" | ");
        layers.iter().map(words).collect::<Vec<_>>().join(" -> ")
    }

    #[test]
    fn the_words_are_the_tables() {
        assert_eq!(graph!(), drawn());
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/concepts/status-and-stages.md");
        let page = std::fs::read_to_string(page).expect("the page on statuses");
        assert!(page.contains(concat!("Statuses go `", graph!(), "`")));
    }

    #[test]
    fn the_schema_names_each_way_that_a_policy_can_add() {
        let schema = schema::schema(Kind::Registry);
        let added = schema["$defs"]["Transitions"]["properties"]
            .as_object()
            .expect("members");
        let mut told: Vec<(&str, &str)> = Vec::new();
        for (from, to) in added {
            let names = to["items"]["enum"].as_array().expect("names");
            told.extend(
                names
                    .iter()
                    .map(|to| (from.as_str(), to.as_str().expect("a name"))),
            );
        }
        told.sort_unstable();
        let mut table: Vec<(&str, &str)> = EDGES
            .iter()
            .filter(|edge| edge.needs == Needs::PolicyAdds)
            .map(|edge| (edge.from.as_str(), edge.to.as_str()))
            .collect();
        table.sort_unstable();
        assert_eq!(told, table);
    }
}
