//! Git hosts: the host of a remote's address, and its page for opening a pull
//! request.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::record::kind::{Address, Form};

/// The characters that need no encoding in a URL.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// The software of a Git host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forge {
    /// GitHub, and GitHub Enterprise.
    GitHub,
    /// GitLab.
    GitLab,
    /// Bitbucket Cloud.
    Bitbucket,
    /// Gitea and Forgejo.
    Gitea,
}

impl Forge {
    /// Returns the software that a value of `modelry.forge` names.
    pub fn named(name: &str) -> Option<Forge> {
        match name.to_ascii_lowercase().as_str() {
            "github" => Some(Forge::GitHub),
            "gitlab" => Some(Forge::GitLab),
            "bitbucket" => Some(Forge::Bitbucket),
            "gitea" | "forgejo" => Some(Forge::Gitea),
            _ => None,
        }
    }

    /// Guesses the software from the words of a host's name: `gitlab.example.com`.
    fn of_host(host: &str) -> Option<Forge> {
        if host == "codeberg.org" {
            return Some(Forge::Gitea);
        }
        host.split(['.', ':']).find_map(Forge::named)
    }
}

/// A repository on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// The scheme: `https`, unless the address says `http`.
    scheme: &'static str,
    /// The host, with its port when the web page has the same one.
    pub host: String,
    /// Owner and name, without `.git`.
    pub path: String,
}

impl Home {
    /// Returns the web page of a remote's address, without name and password, or
    /// `None` for folders and files.
    pub fn of(address: &Address) -> Option<Home> {
        let parts = address.as_remote();
        let (scheme, host) = match parts.form {
            Form::Scp => ("https", parts.host()),
            Form::Url if parts.has_scheme(&["https"]) => ("https", parts.authority),
            Form::Url if parts.has_scheme(&["http"]) => ("http", parts.authority),
            // The port of ssh is not the port of the web page.
            Form::Url if parts.has_scheme(&["ssh", "git+ssh", "ssh+git", "git"]) => ("https", parts.host()),
            _ => return None,
        };
        let path = parts.path().trim_matches('/').trim_end_matches(".git");
        (!host.is_empty() && !path.is_empty()).then(|| Home {
            scheme,
            host: host.to_ascii_lowercase(),
            path: path.to_owned(),
        })
    }

    /// Guesses the host's software from its name.
    pub fn forge(&self) -> Option<Forge> {
        Forge::of_host(&self.host)
    }

    /// Returns the page that opens a pull request from one branch to another.
    pub fn page(&self, forge: Forge, branch: &str, mainline: &str) -> String {
        let text = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
        let home = format!("{}://{}/{}", self.scheme, self.host, text(&self.path));
        let (branch, mainline) = (text(branch), text(mainline));
        match forge {
            Forge::GitHub => format!("{home}/compare/{mainline}...{branch}?expand=1"),
            Forge::GitLab => format!(
                "{home}/-/merge_requests/new?merge_request%5Bsource_branch%5D={branch}&merge_request%5Btarget_branch%5D={mainline}"
            ),
            Forge::Bitbucket => format!("{home}/pull-requests/new?source={branch}&dest={mainline}"),
            Forge::Gitea => format!("{home}/compare/{mainline}...{branch}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Forge, Home};

    fn page(address: &str) -> Option<String> {
        let home = Home::of(&address.into())?;
        Some(home.page(home.forge()?, "modelry/fraud/3", "main"))
    }

    #[test]
    fn pages_of_hosts() {
        for (address, expected) in [
            (
                "git@github.com:acme/models.git",
                "https://github.com/acme/models/compare/main...modelry/fraud/3?expand=1",
            ),
            (
                "ssh://git@github.com:22/acme/models",
                "https://github.com/acme/models/compare/main...modelry/fraud/3?expand=1",
            ),
            (
                "https://oauth2:s3cret@gitlab.example.com:8443/ml/risk/models.git",
                "https://gitlab.example.com:8443/ml/risk/models/-/merge_requests/new?merge_request%5Bsource_branch%5D=modelry/fraud/3&merge_request%5Btarget_branch%5D=main",
            ),
            (
                "git@bitbucket.org:acme/models.git",
                "https://bitbucket.org/acme/models/pull-requests/new?source=modelry/fraud/3&dest=main",
            ),
            (
                "https://codeberg.org/acme/models",
                "https://codeberg.org/acme/models/compare/main...modelry/fraud/3",
            ),
        ] {
            assert_eq!(page(address).as_deref(), Some(expected), "{address}");
        }
    }

    #[test]
    fn no_page_of_folders_and_strangers() {
        for address in [
            "/srv/models.git",
            "../models",
            "file:///srv/github/models",
            "C:/models",
            "https://git.example.com/acme/models",
            "https://github.com/",
        ] {
            assert_eq!(page(address), None, "{address}");
        }
    }

    #[test]
    fn a_name_is_no_way_out_of_the_address() {
        let home = Home::of(&"https://github.com/acme/models".into()).expect("a home");
        let page = home.page(Forge::GitHub, "a b?x=1#y&z", "main");
        assert_eq!(
            page,
            "https://github.com/acme/models/compare/main...a%20b%3Fx%3D1%23y%26z?expand=1"
        );
    }
}
