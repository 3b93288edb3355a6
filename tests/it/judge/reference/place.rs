//! Classifies paths of the registry.

/// A record's place, from its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Registry,
    PolicyReview(u64, String),
    Group(String),
    Stage(String, String),
    Version(String, u64),
    Card(String, u64),
    Evidence(String, u64, String),
    Observation(String, u64, String),
    Review(String, u64, String),
    Archival(String, u64),
    Stray,
}

/// Whether a path is the registry's.
pub fn is_managed(path: &str) -> bool {
    path == "registry.yaml" || path.starts_with("groups/") || path.starts_with("policy/")
}

/// Returns the record that belongs at a path of the registry.
pub fn place(path: &str) -> Place {
    let parts: Vec<&str> = path.split('/').collect();
    let own = |text: &str| text.to_owned();
    let number = |text: &str| {
        text.parse::<u64>()
            .ok()
            .filter(|n| *n > 0 && n.to_string() == text)
    };
    let stem = |name: &str| name.strip_suffix(".yaml").map(own);
    let found = match parts[..] {
        ["registry.yaml"] => Some(Place::Registry),
        ["policy", serial, name] => number(serial)
            .zip(stem(name))
            .map(|(serial, who)| Place::PolicyReview(serial, who)),
        ["groups", group, "group.yaml"] => Some(Place::Group(own(group))),
        ["groups", group, "stages", name] => stem(name).map(|stage| Place::Stage(own(group), stage)),
        ["groups", group, "versions", n, "version.yaml"] => number(n).map(|n| Place::Version(own(group), n)),
        ["groups", group, "versions", n, "card.yaml"] => number(n).map(|n| Place::Card(own(group), n)),
        ["groups", group, "versions", n, "archival.yaml"] => {
            number(n).map(|n| Place::Archival(own(group), n))
        }
        ["groups", group, "versions", n, folder, name] => {
            number(n).zip(stem(name)).and_then(|(n, name)| match folder {
                "evidence" => Some(Place::Evidence(own(group), n, name)),
                "observations" => Some(Place::Observation(own(group), n, name)),
                "reviews" => Some(Place::Review(own(group), n, name)),
                _ => None,
            })
        }
        _ => None,
    };
    found.unwrap_or(Place::Stray)
}

impl Place {
    /// The group that it belongs to.
    pub fn group(&self) -> Option<&str> {
        match self {
            Place::Registry | Place::PolicyReview(..) | Place::Stray => None,
            Place::Group(group)
            | Place::Stage(group, _)
            | Place::Version(group, _)
            | Place::Card(group, _)
            | Place::Evidence(group, ..)
            | Place::Observation(group, ..)
            | Place::Review(group, ..)
            | Place::Archival(group, _) => Some(group),
        }
    }

    /// Returns the version that it belongs to, or is.
    pub fn version(&self) -> Option<(&str, u64)> {
        match self {
            Place::Version(group, n)
            | Place::Card(group, n)
            | Place::Evidence(group, n, _)
            | Place::Observation(group, n, _)
            | Place::Review(group, n, _)
            | Place::Archival(group, n) => Some((group, *n)),
            _ => None,
        }
    }
}

/// The folder of a version.
pub fn folder(group: &str, n: u64) -> String {
    format!("groups/{group}/versions/{n}")
}
