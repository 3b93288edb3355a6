//! Tables that a person likes to read: a quiet header, two spaces between
//! columns, colour where it means something. In a pipe nothing is cut.

use comfy_table::{ColumnConstraint, ContentArrangement, Width};

use crate::report::Style;
use crate::report::text::plain::{clean, paint};

/// What a cell's content means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CellStyle {
    /// Nothing special.
    #[default]
    Plain,
    /// A name.
    Strong,
    /// Good.
    Good,
    /// Bad.
    Bad,
    /// Waiting.
    Waiting,
    /// Over.
    Dim,
}

impl CellStyle {
    fn code(self) -> Option<&'static str> {
        Some(match self {
            CellStyle::Plain => return None,
            CellStyle::Strong => "1",
            CellStyle::Good => "32",
            CellStyle::Bad => "31",
            CellStyle::Waiting => "33",
            CellStyle::Dim => "2",
        })
    }

    /// The style of a status.
    pub fn of_status(status: crate::record::kind::Status) -> CellStyle {
        use crate::record::kind::Status;
        match status {
            Status::Pending => CellStyle::Waiting,
            Status::Approved => CellStyle::Good,
            Status::Rejected => CellStyle::Bad,
            Status::Archived => CellStyle::Dim,
        }
    }
}

/// One cell.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    text: String,
    style: CellStyle,
}

impl Cell {
    /// A cell with a meaning.
    pub fn styled(text: impl Into<String>, style: CellStyle) -> Cell {
        Cell {
            text: text.into(),
            style,
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell {
            text: text.into(),
            style: CellStyle::Plain,
        }
    }
}

/// Rows under a header.
#[derive(Clone, Debug, Default)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table.
    pub fn new<const N: usize>(header: [&'static str; N]) -> Table {
        Table {
            header: header.map(str::to_owned).into(),
            rows: Vec::new(),
        }
    }

    /// An empty table under a header that is not known beforehand.
    pub fn under(header: Vec<String>) -> Table {
        Table {
            header,
            rows: Vec::new(),
        }
    }

    /// One more row.
    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into());
    }

    /// One more row, of as many cells as the header has.
    pub fn cells(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as text.
    pub fn render(&self, style: &Style) -> String {
        // Columns that are empty throughout say nothing.
        let used: Vec<usize> = (0..self.header.len())
            .filter(|&column| {
                self.rows
                    .iter()
                    .any(|row| row.get(column).is_some_and(|cell| !cell.text.is_empty()))
            })
            .collect();
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_header(
            used.iter()
                .map(|&column| clean(&self.header[column]).into_owned()),
        );
        for row in &self.rows {
            table.add_row(
                used.iter()
                    .map(|&column| clean(&row[column].text).replace('\n', " ")),
            );
        }
        if let Some(width) = style.width {
            let least = self.least_widths(&used);
            // Where the words do not fit, the terminal wraps the line, and what is
            // copied from it stays whole.
            let width = width.max(least.iter().sum());
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
            for (column, least) in least.into_iter().enumerate() {
                if let (Some(column), Ok(least)) = (table.column_mut(column), u16::try_from(least)) {
                    column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
                }
            }
        }
        let count = table.column_count();
        for column in table.column_iter_mut() {
            let last = column.index + 1 == count;
            column.set_padding((0, if last { 0 } else { 2 }));
        }
        let text = table.to_string();
        let mut lines = text.lines().map(|line| line.trim_end().to_owned());
        let mut out = paint(&lines.next().unwrap_or_default(), "2", style);
        out.push('\n');
        let body: Vec<String> = lines.collect();
        for line in &body {
            out.push_str(&self.styled(line, style));
            out.push('\n');
        }
        out
    }

    /// Least width of each column in which no word is broken, padding included.
    fn least_widths(&self, used: &[usize]) -> Vec<usize> {
        let longest = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            let texts = cells.map(|cell| cell.text.as_str());
            texts
                .chain([self.header[column].as_str()])
                .flat_map(str::split_whitespace)
                .map(|word| clean(word).chars().count())
                .max()
                .unwrap_or_default()
        };
        let last = used.len().saturating_sub(1);
        let padding = |place: usize| if place == last { 0 } else { 2 };
        used.iter()
            .enumerate()
            .map(|(place, &column)| longest(column) + padding(place))
            .collect()
    }

    /// Colours the words of a line that stand in a styled cell.
    fn styled(&self, line: &str, style: &Style) -> String {
        if !style.color {
            return line.to_owned();
        }
        let row = self.rows.iter().find(|row| {
            row.iter()
                .filter(|cell| !cell.text.is_empty())
                .all(|cell| line.contains(cell.text.as_str()))
        });
        let Some(row) = row else { return line.to_owned() };
        let mut out = String::new();
        let mut rest = line;
        for cell in row.iter().filter(|cell| !cell.text.is_empty()) {
            let Some(at) = rest.find(cell.text.as_str()) else {
                continue;
            };
            out.push_str(&rest[..at]);
            match cell.style.code() {
                Some(code) => out.push_str(&paint(&cell.text, code, style)),
                None => out.push_str(&cell.text),
            }
            rest = &rest[at + cell.text.len()..];
        }
        out.push_str(rest);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::{Style, Table};

    #[test]
    fn names_stay_whole_in_a_narrow_terminal() {
        let digest = format!("sha256:{}", "0123456789abcdef".repeat(4));
        for width in [40, 60, 80, 120] {
            let mut table = Table::new(["VERSION", "STATUS", "SERVES", "METRICS", "CONTENT"]);
            table.row([
                "fraud-detector/2".into(),
                "Approved".into(),
                "production".into(),
                "auc 0.912, recall 0.71, precision 0.66".into(),
                digest.clone().into(),
            ]);
            let style = Style {
                width: Some(width),
                ..Style::PLAIN
            };
            let text = table.render(&style);
            for word in [
                "fraud-detector/2 ",
                "VERSION ",
                "Approved ",
                "production ",
                &digest,
            ] {
                assert!(text.contains(word), "{width} {word}\n{text}");
            }
        }
        let mut table = Table::new(["VERSION", "STATUS", "BY", "METRICS", "LABELS"]);
        table.row([
            "fraud-detector/2".into(),
            "Approved".into(),
            "trainer (imported as Approved)".into(),
            "auc 0.912, recall 0.71, precision 0.66, brier 0.08".into(),
            "team=risk,environment=prod".into(),
        ]);
        let style = Style {
            width: Some(80),
            ..Style::PLAIN
        };
        let text = table.render(&style);
        for word in [
            "fraud-detector/2",
            "Approved)",
            "precision",
            "team=risk,environment=prod",
        ] {
            assert!(text.contains(word), "{word}\n{text}");
        }
    }
}
