//! Packages of npm that somebody else wrote, and a language server to ask.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use super::needs::{Missing, NODE, NPM, Need};

/// A package of npm with a program.
pub struct NodePackage {
    pub name: &'static str,
    pub version: &'static str,
}

/// The language server that most editors ask about YAML files.
pub const YAML_SERVER: NodePackage = NodePackage {
    name: "yaml-language-server",
    version: "1.25.0",
};

impl NodePackage {
    /// The package's program, installed below the target folder where it is not there,
    /// if it can be installed.
    fn program(&self) -> Option<PathBuf> {
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("node");
        let manifest = folder.join("node_modules").join(self.name).join("package.json");
        let is_there = || {
            let text = std::fs::read_to_string(&manifest).unwrap_or_default();
            let manifest: Value = serde_json::from_str(&text).unwrap_or_default();
            manifest["version"] == self.version
        };
        if !is_there() {
            let installed = Command::new("npm")
                .args([
                    "install",
                    "--silent",
                    "--no-fund",
                    "--no-audit",
                    "--ignore-scripts",
                ])
                .arg("--prefix")
                .arg(&folder)
                .arg(self.spec())
                .status();
            if !installed.is_ok_and(|status| status.success()) || !is_there() {
                return None;
            }
        }
        Some(folder.join("node_modules/.bin").join(self.name))
    }

    fn spec(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}

impl Need for NodePackage {
    fn missing(&self) -> Option<Missing> {
        NODE.missing().or_else(|| NPM.missing()).or_else(|| {
            self.program().is_none().then(|| Missing {
                what: format!("npm package: {}", self.spec()),
                install: format!("npm install --prefix target/tmp/node {}", self.spec()),
            })
        })
    }
}

/// Ends each connection of a program in Node before it is made, and writes down where
/// it would have led.
const NO_NETWORK: &str = "
const net = require('net'), fs = require('fs');
net.Socket.prototype.connect = function (...asked) {
    fs.appendFileSync(process.env.CONNECTIONS, JSON.stringify(asked) + '\\n');
    process.nextTick(() => this.destroy(new Error('there is no network')));
    return this;
};
";

/// A language server without network.
pub struct LanguageServer {
    child: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    connections: PathBuf,
    last: u64,
}

impl Drop for LanguageServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl LanguageServer {
    /// Starts the package's program, with this folder for its files.
    pub fn start(package: &NodePackage, home: &Path) -> LanguageServer {
        let program = package.program().expect("the package is installed");
        let connections = home.join("connections");
        std::fs::write(&connections, "").expect("a file");
        std::fs::write(home.join("no-network.js"), NO_NETWORK).expect("a file");
        let mut child = Command::new("node")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env("CONNECTIONS", &connections)
            .arg("--require")
            .arg(home.join("no-network.js"))
            .arg(program)
            .arg("--stdio")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let input = child.stdin.take().expect("a pipe");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            while let Some(message) = read_message(&mut output)
                && sender.send(message).is_ok()
            {}
        });
        let mut server = LanguageServer {
            child,
            input,
            messages,
            connections,
            last: 0,
        };
        let capabilities = json!({"textDocument": {"publishDiagnostics": {}}});
        let _ = server.ask(
            "initialize",
            json!({"processId": null, "rootUri": null, "capabilities": capabilities}),
        );
        server.send(json!({"method": "initialized", "params": {}}));
        server
    }

    fn send(&mut self, mut message: Value) {
        message["jsonrpc"] = json!("2.0");
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).expect("the server reads");
        self.input.flush().expect("the server reads");
    }

    /// The next message that fits. Where the server asks for settings meanwhile, it gets
    /// the few that matter.
    fn wait_for(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self
                .messages
                .recv_timeout(Duration::from_secs(120))
                .expect("the server answers");
            if message.get("id").is_some() && message.get("method").is_some() {
                // An editor's own list of schemas is on the web; its user turned it off.
                let setting = |item: &Value| match item["section"] == "yaml" {
                    true => json!({"schemaStore": {"enable": false}}),
                    false => Value::Null,
                };
                let items = message["params"]["items"].as_array();
                let settings: Vec<Value> = items.into_iter().flatten().map(setting).collect();
                self.send(json!({"id": message["id"], "result": settings}));
            } else if fits(&message) {
                return message;
            }
        }
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let id = self.last;
        self.send(json!({"id": id, "method": method, "params": params}));
        let mut answer = self.wait_for(|message| message["id"] == id);
        answer["result"].take()
    }

    /// Opens a file as an editor does; what the server finds in it.
    pub fn open(&mut self, file: &Path) -> Vec<Value> {
        let uri = format!("file://{}", file.display());
        let text = std::fs::read_to_string(file).expect("a file");
        let document = json!({"uri": uri, "languageId": "yaml", "version": 1, "text": text});
        self.send(json!({"method": "textDocument/didOpen", "params": {"textDocument": document}}));
        let mut found = self.wait_for(|message| {
            message["method"] == "textDocument/publishDiagnostics" && message["params"]["uri"] == uri
        });
        match found["params"]["diagnostics"].take() {
            Value::Array(found) => found,
            other => panic!("diagnostics: {other}"),
        }
    }

    /// Words that the server proposes at a place of an open file, both counted from 0.
    pub fn complete(&mut self, file: &Path, line: usize, character: usize) -> Vec<String> {
        let uri = format!("file://{}", file.display());
        let at = json!({"line": line, "character": character});
        let answer = self.ask(
            "textDocument/completion",
            json!({"textDocument": {"uri": uri}, "position": at}),
        );
        let items = answer["items"].as_array().expect("items");
        let labels = items.iter().filter_map(|item| item["label"].as_str());
        labels.map(str::to_owned).collect()
    }

    /// Where the server wanted to connect, a line for each.
    pub fn connections(&self) -> String {
        std::fs::read_to_string(&self.connections).expect("a file")
    }
}

fn read_message(output: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim() {
            "" => break,
            line => {
                if let Some(value) = line.strip_prefix("Content-Length:") {
                    length = value.trim().parse().ok()?;
                }
            }
        }
    }
    let mut bytes = vec![0; length];
    output.read_exact(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}
