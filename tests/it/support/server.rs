//! A small web server that can misbehave: it drops connections, lies about
//! lengths, never ends, is slow, points elsewhere. With TLS on request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use modelry::testing::record::canonical::sha256;

/// A received request.
#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// How often this path was asked before.
    pub earlier: usize,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The byte that is asked for first.
    pub fn from(&self) -> Option<usize> {
        let range = self.header("range")?;
        range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The length to announce; none announces none, and the end is the
    /// connection's.
    pub announced: Option<usize>,
    /// Drops the connection after this many bytes of the body.
    pub dropped_after: Option<usize>,
    /// Send the body again and again.
    pub endless: bool,
    /// Wait after each 64 KiB.
    pub pause: Duration,
}

impl Reply {
    pub fn new(status: u16, body: &[u8]) -> Reply {
        Reply {
            status,
            headers: Vec::new(),
            body: body.to_vec(),
            announced: Some(body.len()),
            dropped_after: None,
            endless: false,
            pause: Duration::ZERO,
        }
    }

    /// As a well-behaved server serves a file: ranges, and a strong mark.
    pub fn file(bytes: &[u8], request: &Request) -> Reply {
        let mark = format!("\"{}\"", sha256(bytes).short());
        let same = request.header("if-range").is_none_or(|given| given == mark);
        let reply = match request.from().filter(|_| same) {
            None => Reply::new(200, bytes),
            Some(from) if from >= bytes.len() => {
                Reply::new(416, b"").with("Content-Range", &format!("bytes */{}", bytes.len()))
            }
            Some(from) => Reply::new(206, &bytes[from..]).with(
                "Content-Range",
                &format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len()),
            ),
        };
        reply.with("ETag", &mark)
    }

    pub fn to(location: &str) -> Reply {
        Reply::new(302, b"").with("Location", location)
    }

    pub fn with(mut self, name: &str, value: &str) -> Reply {
        self.headers.push((name.into(), value.into()));
        self
    }
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// A server on a port of its own, until the test ends.
pub struct Server {
    pub address: String,
    log: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Plain http.
    pub fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Server {
        Server::listen("http", Arc::new(handler), None)
    }

    /// https, with this configuration.
    pub fn start_tls(
        config: Arc<rustls::ServerConfig>,
        handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Server {
        Server::listen("https", Arc::new(handler), Some(config))
    }

    fn listen(scheme: &str, handler: Arc<Handler>, tls: Option<Arc<rustls::ServerConfig>>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let log = Arc::new(Mutex::new(Vec::new()));
        let server = Server {
            address: format!("{scheme}://localhost:{port}"),
            log: log.clone(),
        };
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (handler, log, tls) = (handler.clone(), log.clone(), tls.clone());
                std::thread::spawn(move || match tls {
                    None => serve(stream, &*handler, &log),
                    Some(config) => {
                        let connection = rustls::ServerConnection::new(config).expect("a connection");
                        serve(rustls::StreamOwned::new(connection, stream), &*handler, &log);
                    }
                });
            }
        });
        server
    }

    /// The address of a path.
    pub fn uri(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// Returns the requests so far.
    pub fn log(&self) -> Vec<Request> {
        self.log.lock().expect("the log").clone()
    }

    /// The bytes from which on a path was asked for, in order; none is all.
    pub fn ranges(&self, path: &str) -> Vec<Option<usize>> {
        let log = self.log();
        log.iter().filter(|r| r.path == path).map(Request::from).collect()
    }
}

/// Answers one request for each connection; ignores a client that went away.
fn serve(mut stream: impl Read + Write + Close, handler: &Handler, log: &Mutex<Vec<Request>>) {
    let mut lines = Vec::new();
    {
        let mut reader = BufReader::new(&mut stream);
        loop {
            let mut line = String::new();
            match reader.read_line(&mut line) {
                Ok(count) if count > 0 && !line.trim().is_empty() => lines.push(line.trim().to_owned()),
                _ => break,
            }
        }
    }
    let Some(path) = lines.first().and_then(|line| line.split(' ').nth(1)) else {
        return;
    };
    let headers = lines[1..].iter().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    });
    let request = {
        let mut log = log.lock().expect("the log");
        let request = Request {
            path: path.to_owned(),
            headers: headers.collect(),
            earlier: log.iter().filter(|earlier| earlier.path == path).count(),
        };
        log.push(request.clone());
        request
    };
    let _ = answer(&mut stream, &handler(&request));
    stream.close();
}

fn answer(stream: &mut (impl Read + Write), reply: &Reply) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {} X\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(length) = reply.announced {
        head.push_str(&format!("Content-Length: {length}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    let mut left = reply.dropped_after.unwrap_or(usize::MAX);
    loop {
        for piece in reply.body.chunks(64 << 10) {
            let count = piece.len().min(left);
            stream.write_all(&piece[..count])?;
            stream.flush()?;
            left -= count;
            if left == 0 {
                return Ok(());
            }
            std::thread::sleep(reply.pause);
        }
        if !reply.endless {
            return Ok(());
        }
    }
}

/// How a connection ends in order.
trait Close {
    fn close(&mut self);
}

impl Close for TcpStream {
    fn close(&mut self) {
        let _ = self.shutdown(std::net::Shutdown::Both);
    }
}

impl Close for rustls::StreamOwned<rustls::ServerConnection, TcpStream> {
    fn close(&mut self) {
        self.conn.send_close_notify();
        let _ = self.flush();
        let _ = self.sock.shutdown(std::net::Shutdown::Both);
    }
}
