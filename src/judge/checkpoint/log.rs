//! The mainline as a log: a Merkle tree hash over its steps, from the root on.
//!
//! Source: RFC 6962, section 2.1. A leaf names registry, place and commit, and
//! the SHA-256 of the commit's bytes, so that the log holds where Git's own ids
//! are SHA-1.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::base::{Error, ObjectKind, Oid};
use crate::object::Objects;
use crate::record::canonical::{canonical, sha256};
use crate::record::kind::RegistryId;

/// The hash of a tree or of a part of it.
pub type Hash = [u8; 32];

fn hash_leaf(leaf: &[u8]) -> Hash {
    Sha256::new()
        .chain_update([0])
        .chain_update(leaf)
        .finalize()
        .into()
}

fn hash_node(left: &Hash, right: &Hash) -> Hash {
    let hash = Sha256::new().chain_update([1]);
    hash.chain_update(left).chain_update(right).finalize().into()
}

/// A Merkle tree that only grows. It keeps one hash for each full subtree,
/// which is one for each bit of its size.
#[derive(Clone, Debug, Default)]
pub struct MerkleTree {
    size: u64,
    /// The full subtrees, the largest first.
    full: Vec<Hash>,
}

impl MerkleTree {
    /// Adds a leaf.
    pub fn push(&mut self, leaf: &[u8]) {
        let mut hash = hash_leaf(leaf);
        // Each trailing one of the size is a full subtree as large as this one.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.full.pop() {
                hash = hash_node(&left, &hash);
            }
        }
        self.full.push(hash);
        self.size += 1;
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The Merkle tree hash.
    pub fn root_hash(&self) -> Hash {
        let mut smallest_first = self.full.iter().rev();
        let Some(last) = smallest_first.next() else {
            return Sha256::digest([]).into();
        };
        smallest_first.fold(*last, |right, left| hash_node(left, &right))
    }
}

/// The leaf of one step: canonical JSON. `index` is 0 for the root, `bytes` are
/// the commit's as Git stores them.
pub fn leaf(registry: &RegistryId, index: u64, commit: Oid, bytes: &[u8]) -> Vec<u8> {
    let digest = sha256(bytes);
    canonical(&json!({
        "registry": registry.as_str(),
        "index": index,
        "commit": commit.to_string(),
        "sha256": digest.as_str().trim_start_matches("sha256:"),
    }))
}

/// Returns the log of a mainline, and its root hash as it was after `size` steps; `None`
/// when it is shorter.
pub fn log(
    objects: &dyn Objects,
    registry: &RegistryId,
    mainline: &[Oid],
    size: u64,
) -> Result<(MerkleTree, Option<Hash>), Error> {
    let mut tree = MerkleTree::default();
    let mut then = None;
    for commit in mainline {
        let bytes = objects.read(*commit, ObjectKind::Commit)?;
        tree.push(&leaf(registry, tree.size(), *commit, &bytes));
        if tree.size() == size {
            then = Some(tree.root_hash());
        }
    }
    Ok((tree, then))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let pair = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
        (0..hex.len()).step_by(2).map(pair).collect()
    }

    fn root_of(leaves: &[Vec<u8>]) -> Hash {
        let mut tree = MerkleTree::default();
        leaves.iter().for_each(|leaf| tree.push(leaf));
        tree.root_hash()
    }

    /// As section 2.1 of RFC 6962 defines it, word for word.
    fn naive(leaves: &[Vec<u8>]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [leaf] => hash_leaf(leaf),
            leaves => {
                // The largest power of two smaller than their number.
                let k = leaves.len().next_power_of_two() / 2;
                hash_node(&naive(&leaves[..k]), &naive(&leaves[k..]))
            }
        }
    }

    /// The inputs and roots that the implementations of Certificate
    /// Transparency test each other by (`merkle_tree_test`).
    #[test]
    fn the_vectors_of_certificate_transparency() {
        let leaves = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ]
        .map(bytes);
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        for (size, root) in roots.iter().enumerate() {
            assert_eq!(root_of(&leaves[..size]).to_vec(), bytes(root), "{size} leaves");
        }
    }

    #[test]
    fn a_leaf_is_canonical_json() {
        let registry = "5c0f3a0e9d7b4f6f8a51c2d3e4f50617".parse().expect("an id");
        let commit = Oid::from_bytes(&[0xab; 20]).expect("an id");
        let text = String::from_utf8(leaf(&registry, 7, commit, b"")).expect("UTF-8");
        assert_eq!(
            text,
            "{\"commit\":\"abababababababababababababababababababab\",\"index\":7,\
             \"registry\":\"5c0f3a0e9d7b4f6f8a51c2d3e4f50617\",\
             \"sha256\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_root_hash_is_as_the_rfc_defines_it(leaves in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..4), 0..70)) {
            prop_assert_eq!(root_of(&leaves), naive(&leaves));
        }

        #[test]
        fn memory_is_logarithmic(size in 1usize..300) {
            let mut tree = MerkleTree::default();
            (0..size).for_each(|_| tree.push(b"leaf"));
            prop_assert_eq!(tree.full.len(), size.count_ones() as usize);
        }
    }
}
