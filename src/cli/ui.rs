//! The terminal: standard output, standard error, and questions.

use std::io::{IsTerminal, Write};
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use serde::Serialize;

use super::Global;
use super::output::Output;
use super::standing::Standing;
use crate::base::Error;
use crate::git::disk;
use crate::record::kind::{ActorId, masked_text, text_secrets};
use crate::report::{self, Style, clean, paint, shown};

/// The output of a command.
pub struct Ui {
    /// The form of the output.
    pub output: Output,
    /// The style of text on standard output.
    pub style: Style,
    /// The style of text on standard error.
    pub side: Style,
    /// The folder and options of the user who types the lines that are shown.
    standing: Standing,
}

fn welcome(terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if set("NO_COLOR") {
        return false;
    }
    set("CLICOLOR_FORCE") || (terminal && std::env::var("TERM").is_ok_and(|term| term != "dumb"))
}

/// Masks secrets in coloured text. Each part between colours is masked alone: a
/// colour code right before an address would be read as part of it.
fn masked_styled(text: &str) -> String {
    let pieces = text
        .split_inclusive('\u{1b}')
        .map(|piece| match piece.split_once('m') {
            Some((style, shown)) if style.starts_with('[') => format!("{style}m{}", masked_text(shown)),
            _ => masked_text(piece).into_owned(),
        });
    pieces.collect()
}

/// Returns a message of which no line is a command to the CI system that reads it
/// (`::error`, `##[error]`): the line end before it is spelled out, since the text may be
/// a name that others chose.
fn message(text: &str) -> String {
    let text = clean(text);
    let mut lines = text.split('\n');
    let mut out = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        let start = line.trim_start();
        let is_command = start.starts_with("::") || start.starts_with("##[");
        out.push_str(if is_command { "\\n" } else { "\n" });
        out.push_str(line);
    }
    out
}

impl Ui {
    /// Creates the output of this process.
    pub fn new(output: Output) -> Ui {
        let (out, err) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        let width = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        Ui {
            output,
            style: Style {
                color: welcome(out),
                width: out.then(width).flatten(),
            },
            side: Style {
                color: welcome(err),
                width: err.then(width).flatten(),
            },
            standing: Standing::default(),
        }
    }

    /// Returns the same output without colour, for a terminal at the other end of a
    /// connection.
    #[must_use]
    pub fn plain(self) -> Ui {
        Ui {
            output: self.output,
            style: Style::PLAIN,
            side: Style::PLAIN,
            standing: self.standing,
        }
    }

    /// Returns the same output in another form. Its lines are for a reader at the
    /// registry's top.
    #[must_use]
    pub fn with_output(&self, output: Output) -> Ui {
        Ui {
            output,
            style: self.style,
            side: self.side,
            standing: Standing::default(),
        }
    }

    /// Returns the same output for a user in that folder.
    #[must_use]
    pub(super) fn standing(self, standing: Standing) -> Ui {
        Ui { standing, ..self }
    }

    /// Stores the user's name as an actor: a line for that actor is the user's own.
    pub fn is_for(&self, actor: &ActorId) {
        self.standing.is_of(actor.as_str());
    }

    /// Whether lines are changed for the user's folder.
    pub fn adapts(&self) -> bool {
        self.standing.adapts()
    }

    /// Whether the output is for programs.
    pub fn is_json(&self) -> bool {
        self.output == Output::Json
    }

    /// Whether somebody is at the terminal to be asked. The question goes to standard
    /// error.
    pub fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Whether somebody is at the terminal, but would not see the question.
    pub fn asks_unseen(&self) -> bool {
        std::io::stdin().is_terminal() != std::io::stderr().is_terminal()
    }

    /// Prints text to standard output. A reader that has gone away ends the process
    /// quietly, as it should in a pipe.
    ///
    /// # Errors
    /// Standard output can't be written, as on a full disk.
    pub fn print(&self, text: &str) -> Result<(), Error> {
        let text = masked_text(text);
        match self.output {
            Output::Human => self.exact(&shown(&self.standing.typed(&text), &self.style)),
            // Lines for an editor or a log, or text that a page shows.
            Output::Concise | Output::Github | Output::Markdown | Output::Html => {
                self.exact(&shown(&text, &Style::PLAIN))
            }
            _ => self.exact(&text),
        }
    }

    /// Prints text to standard output with addresses as they are, for programs that
    /// fetch from them. All other output hides the logins in older records.
    pub fn exact(&self, text: &str) -> Result<(), Error> {
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
            Err(source) => Err(Error::Io {
                action: "write",
                path: "standard output".into(),
                source,
            }),
            Ok(()) => Ok(()),
        }
    }

    /// Prints a report of findings: to standard output where a report was asked for,
    /// to standard error where a program reads another answer.
    pub fn report(&self, text: &str) -> Result<(), Error> {
        match self.output {
            Output::Human | Output::Concise | Output::Json => self.print(text),
            _ => {
                self.say(text.trim_end());
                Ok(())
            }
        }
    }

    /// Prints a value to standard output as JSON.
    pub fn json(&self, value: &impl Serialize) -> Result<(), Error> {
        self.print(&report::json_text(value))
    }

    /// Prints a value to standard output as JSON, with addresses as they are.
    pub fn exact_json(&self, value: &impl Serialize) -> Result<(), Error> {
        self.exact(&report::json_text(value))
    }

    /// Writes text to a file that the command line names, as [`Ui::print`] writes it.
    pub fn file(&self, path: &Path, text: &str) -> Result<(), Error> {
        disk::write_file(path, masked_text(text).as_bytes())
    }

    /// Prints a page, or writes it to the file that `--to` names, and tells where it is.
    pub fn page(&self, to: Option<&Path>, global: &Global, text: &str, what: &str) -> Result<(), Error> {
        let Some(to) = to else {
            return self.print(text);
        };
        self.file(&global.located(to), text)?;
        self.say(&clean(&format!("{what} is in {}", to.display())));
        Ok(())
    }

    /// Prints a line to standard error.
    pub fn say(&self, text: &str) {
        let text = masked_text(text);
        let text = self.standing.typed(&text);
        let _ = writeln!(std::io::stderr().lock(), "{}", shown(&text, &self.side));
    }

    /// Prints a note to standard error.
    pub fn note(&self, text: &str) {
        self.say(&format!(
            "{} {}",
            paint("note:", "1;36", &self.side),
            message(text)
        ));
    }

    /// Prints why a command line can't be parsed. An argument may hold a login, and
    /// the output of CI jobs is kept.
    pub fn usage(&self, mut error: clap::Error, arguments: &[String]) {
        // "to pass '--since' as a value, use '-- --since'" helps with no argument of ours.
        if let Some(ContextValue::StyledStrs(tips)) = error.get(ContextKind::Suggested) {
            let useful = tips.iter().filter(|tip| !tip.to_string().contains("as a value"));
            let useful = ContextValue::StyledStrs(useful.cloned().collect());
            error.insert(ContextKind::Suggested, useful);
        }
        let text = error.render();
        let mut text = match self.side.color {
            true => masked_styled(&text.ansi().to_string()),
            false => masked_text(&text.to_string()).into_owned(),
        };
        // A part of an argument, such as the part before its `@`, is not an address
        // any more.
        for argument in arguments {
            for (secret, _) in text_secrets(argument) {
                for mark in ["//", "\\\\", "="] {
                    let (shown, hidden) =
                        (format!("{mark}{}", &argument[secret.clone()]), format!("{mark}…"));
                    text = text.replace(&shown, &hidden);
                }
            }
        }
        text = text.replace("\n\n\n", "\n\n");
        if error.kind() == ErrorKind::MissingRequiredArgument
            && let Some(example) = super::example(arguments)
        {
            let more = "\n\nFor more information";
            text = text.replacen(more, &format!("\nFor example: {example}{more}"), 1);
        }
        let _ = write!(std::io::stderr().lock(), "{}", shown(&text, &self.side));
    }

    /// Prints an error and its hint.
    pub fn error(&self, error: &Error) {
        let mut text = format!(
            "{} {}",
            paint("error:", "1;31", &self.side),
            message(&error.to_string())
        );
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            text.push_str(&format!("\n  because: {}", message(&inner.to_string())));
            cause = inner.source();
        }
        for hint in error.hints() {
            text.push_str(&format!(
                "\n   {} {}",
                paint("hint:", "1;33", &self.side),
                message(&hint)
            ));
        }
        self.say(&text);
    }

    /// Asks a yes-or-no question.
    pub fn ask(&self, question: &str) -> Result<bool, Error> {
        let mut err = std::io::stderr().lock();
        let _ = write!(err, "{} [y/N] ", shown(question, &self.side));
        let _ = err.flush();
        let mut line = String::new();
        std::io::stdin()
            .read_line(&mut line)
            .map_err(|source| Error::Io {
                action: "read",
                path: "standard input".into(),
                source,
            })?;
        Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }
}
