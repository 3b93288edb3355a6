//! Tables for people: a dim header, two spaces between columns, colour for meaning. In
//! a pipe, no text is cut.

use comfy_table::{ColumnConstraint, ContentArrangement, Width};

use crate::report::Style;
use crate::report::text::plain::{clean, paint};

/// The style of a cell, by the meaning of its content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CellStyle {
    /// An ordinary value.
    #[default]
    Plain,
    /// A name.
    Strong,
    /// A good result.
    Good,
    /// A bad result.
    Bad,
    /// A pending value.
    Waiting,
    /// A past or absent value.
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

/// A cell of a table.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    text: String,
    style: CellStyle,
}

impl Cell {
    /// Creates a cell with a style.
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
    /// Creates an empty table.
    pub fn new<const N: usize>(header: [&'static str; N]) -> Table {
        Table {
            header: header.map(str::to_owned).into(),
            rows: Vec::new(),
        }
    }

    /// Creates an empty table with a header that is computed at run time.
    pub fn under(header: Vec<String>) -> Table {
        Table {
            header,
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into());
    }

    /// Adds a row with as many cells as the header has.
    pub fn cells(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Whether the table has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Renders the table as text.
    pub fn render(&self, style: &Style) -> String {
        // Columns without content are left out.
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
            // If the text does not fit, the terminal wraps the line, so that copied
            // text stays whole.
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

    /// The least width of each column that breaks no word, including padding.
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

    /// Colours the words of a line that belong to a styled cell.
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
