//! The components other than the model: files, images, frameworks and data.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::terms::{address, licenses, reference};
use super::{Bill, Rest, hashes, property, put};
use crate::record::kind::{
    Address, Artifact, ArtifactType, CardDataset, Container, Digest, License, pinned_image,
};

/// The components other than the model.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) components: Vec<Value>,
    seen: BTreeSet<String>,
}

impl Parts {
    /// Chooses a reference that is unique within the bill.
    fn name(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut at = 1;
        while !self.seen.insert(name.clone()) {
            at += 1;
            name = format!("{wanted}#{at}");
        }
        name
    }

    pub(super) fn refs(&self) -> Vec<Value> {
        self.components.iter().map(|it| it["bom-ref"].clone()).collect()
    }

    /// Adds an artifact: a file with its SHA-256. The digest of a folder covers its
    /// list of files, so it becomes a property.
    pub(super) fn artifact(&mut self, at: &str, artifact: &Artifact) {
        let folder = artifact.r#type == Some(ArtifactType::Folder);
        let mut out = Map::new();
        let bare = artifact.uri.expose().split(['?', '#']).next().unwrap_or_default();
        let last = bare.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let name = if last.is_empty() {
            artifact.uri.expose()
        } else {
            last
        };
        out.insert("type".into(), json!("file"));
        out.insert(
            "bom-ref".into(),
            json!(self.name(&format!("artifact:{}", at.trim_start_matches("/spec/")))),
        );
        out.insert("name".into(), json!(name));
        let mut properties = vec![property("place", at.trim_start_matches('/'))];
        if folder {
            properties.push(property("type", "folder"));
            properties.extend(
                artifact
                    .digest
                    .as_ref()
                    .map(|digest| property("folderDigest", digest.as_str())),
            );
        } else {
            put(&mut out, "hashes", hashes(artifact.digest.as_ref()));
        }
        if artifact.digest.is_none() {
            properties.push(property("digest", "unknown"));
        }
        properties.extend(artifact.size.map(|size| property("size", &size.to_string())));
        match reference("distribution", &artifact.uri, None, None) {
            Some(place) => put(&mut out, "externalReferences", json!([place])),
            None => properties.push(property("uri", artifact.uri.expose())),
        }
        out.insert("properties".into(), json!(properties));
        self.components.push(Value::Object(out));
    }

    /// Adds a container's image and its framework.
    pub(super) fn container(&mut self, at: &str, container: &Container) {
        if let Some(image) = container.image.as_ref().map(Address::expose) {
            let (name, digest) = match pinned_image(image) {
                Some((name, digest)) => (name, digest.parse::<Digest>().ok()),
                None => (image, None),
            };
            // A colon after the last slash starts a tag; before it, a port.
            let after = name.rfind('/').map_or(0, |slash| slash + 1);
            let (name, tag) = match name[after..].find(':') {
                Some(colon) => (&name[..after + colon], Some(&name[after + colon + 1..])),
                None => (name, None),
            };
            let mut out = Map::new();
            out.insert("type".into(), json!("container"));
            out.insert("bom-ref".into(), json!(self.name(&format!("image:{image}"))));
            out.insert("name".into(), json!(name));
            let version = tag.or(digest.as_ref().map(Digest::as_str));
            put(&mut out, "version", json!(version));
            put(&mut out, "hashes", hashes(digest.as_ref()));
            put(
                &mut out,
                "purl",
                json!(digest.as_ref().map(|digest| purl(name, digest, tag))),
            );
            let mut properties = vec![
                property("place", at.trim_start_matches('/')),
                property("image", image),
            ];
            if digest.is_none() {
                properties.push(property("digest", "unknown"));
            }
            out.insert("properties".into(), json!(properties));
            self.components.push(Value::Object(out));
        }
        if let Some(framework) = &container.framework {
            let version = container.framework_version.as_deref();
            let shown = format!("framework:{framework}@{}", version.unwrap_or("unknown"));
            if self.seen.contains(&shown) {
                return;
            }
            let mut out = Map::new();
            out.insert("type".into(), json!("framework"));
            out.insert("bom-ref".into(), json!(self.name(&shown)));
            out.insert("name".into(), json!(framework));
            put(&mut out, "version", json!(version));
            self.components.push(Value::Object(out));
        }
    }

    /// Adds the data of card and evidence, and returns references to it for the model
    /// card.
    pub(super) fn datasets(&mut self, bill: &Bill<'_>, rest: &mut Rest) -> Vec<Value> {
        rest.take("/datasets");
        let mut refs = Vec::new();
        for data in bill.card.iter().flat_map(|card| &card.datasets) {
            refs.push(json!({"ref": self.dataset(data, None)}));
        }
        let told = |bill: &Bill<'_>, uri: &Address| {
            let mut all = bill.card.iter().flat_map(|card| &card.datasets);
            all.any(|data| data.uri.as_ref() == Some(uri))
        };
        for evidence in &bill.evidence {
            let Some(data) = evidence.dataset.as_ref().filter(|data| !told(bill, &data.uri)) else {
                continue;
            };
            let data = CardDataset {
                name: data.uri.to_string(),
                uri: Some(data.uri.clone()),
                digest: data.digest.clone(),
                ..CardDataset::default()
            };
            refs.push(json!({"ref": self.dataset(&data, Some(evidence.name.as_str()))}));
        }
        refs
    }

    fn dataset(&mut self, data: &CardDataset, evidence: Option<&str>) -> String {
        let name = self.name(&format!("data:{}", data.name));
        let mut out = Map::new();
        out.insert("type".into(), json!("data"));
        out.insert("bom-ref".into(), json!(name));
        out.insert("name".into(), json!(data.name));
        put(&mut out, "version", json!(data.revision));
        put(&mut out, "hashes", hashes(data.digest.as_ref()));
        if let Some(license) = &data.license {
            let license = License {
                id: Some(license.clone()),
                ..License::default()
            };
            put(&mut out, "licenses", licenses(&license));
        }
        let mut properties = Vec::new();
        properties.extend(data.role.as_deref().map(|role| property("role", role)));
        properties.extend(evidence.map(|name| property("evidence", name)));
        let mut inner = Map::from_iter([
            ("type".to_owned(), json!("dataset")),
            ("name".to_owned(), json!(data.name)),
        ]);
        if let Some(uri) = &data.uri {
            match address(uri) {
                Some(url) => put(&mut inner, "contents", json!({"url": url})),
                None => properties.push(property("uri", uri.expose())),
            }
        }
        put(&mut out, "data", json!([inner]));
        put(&mut out, "properties", json!(properties));
        self.components.push(Value::Object(out));
        name
    }
}

/// The package URL of an image (purl-spec, type `oci`).
fn purl(name: &str, digest: &Digest, tag: Option<&str>) -> String {
    let encoded = |text: &str| text.replace('%', "%25").replace(':', "%3A").replace('@', "%40");
    let last = name.rsplit('/').next().unwrap_or_default().to_lowercase();
    let place = if name.contains('/') {
        format!("repository_url={}", encoded(name))
    } else {
        String::new()
    };
    let tag = tag.map(|tag| format!("tag={}", encoded(tag)));
    let more: Vec<String> = std::iter::once(place)
        .chain(tag)
        .filter(|it| !it.is_empty())
        .collect();
    let more = if more.is_empty() {
        String::new()
    } else {
        format!("?{}", more.join("&"))
    };
    format!("pkg:oci/{}@{}{more}", encoded(&last), encoded(digest.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_urls_of_images() {
        let digest: Digest = format!("sha256:{}", "a".repeat(64)).parse().expect("a digest");
        let hex = format!("sha256%3A{}", "a".repeat(64));
        assert_eq!(
            purl("registry.example.com:5000/team/Serve", &digest, Some("1.2")),
            format!("pkg:oci/serve@{hex}?repository_url=registry.example.com%3A5000/team/Serve&tag=1.2")
        );
        assert_eq!(purl("serve", &digest, None), format!("pkg:oci/serve@{hex}"));
    }
}
