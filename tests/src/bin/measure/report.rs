//! The figures, and the tables made of them.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::subject::{YARDSTICKS, Yardstick};

/// What is measured, and in which unit.
#[derive(Clone, PartialEq)]
pub(crate) struct Row {
    name: Cow<'static, str>,
    unit: &'static str,
    /// The contenders to whose figures a ratio is meaningful.
    against: &'static [Yardstick],
}

impl Row {
    pub(crate) const fn new(name: &'static str, unit: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), unit, against: &YARDSTICKS }
    }

    pub(crate) fn counted(name: String, unit: &'static str) -> Self {
        Self { name: Cow::Owned(name), unit, against: &YARDSTICKS }
    }

    pub(crate) const fn against(mut self, yardsticks: &'static [Yardstick]) -> Self {
        self.against = yardsticks;
        self
    }
}

/// All figures of all runs.
pub(crate) struct Report {
    subjects: Vec<&'static str>,
    /// One for each table.
    tables: Vec<Vec<Row>>,
    /// The contender's index, what was measured, and the figure.
    figures: Vec<(usize, Row, f64)>,
}

/// The figures of one contender.
pub(crate) struct Column<'a> {
    report: &'a mut Report,
    subject: usize,
}

impl Column<'_> {
    pub(crate) fn add(&mut self, row: &Row, figure: f64) {
        debug_assert!(
            self.report.tables.iter().flatten().any(|known| known == row),
            "{} is in no table",
            row.name
        );
        self.report.figures.push((self.subject, row.clone(), figure));
    }
}

impl Report {
    pub(crate) fn new(subjects: Vec<&'static str>, tables: Vec<Vec<Row>>) -> Self {
        Self { subjects, tables, figures: Vec::new() }
    }

    pub(crate) fn column(&mut self, subject: usize) -> Column<'_> {
        Column { report: self, subject }
    }

    /// The figures of all runs, if there are any.
    pub(crate) fn spread(&self, subject: &str, row: &Row) -> Option<Spread> {
        let index = self.subjects.iter().position(|name| *name == subject)?;
        let of_row =
            self.figures.iter().filter(|(subject, measured, _)| *subject == index && measured == row);
        Spread::of(of_row.map(|(.., figure)| *figure).collect())
    }

    /// Writes the tables, as markdown.
    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for rows in &self.tables {
            write!(out, "\n| |")?;
            for subject in &self.subjects {
                write!(out, " {subject} |")?;
            }
            writeln!(out, "\n|---{}|", "|---".repeat(self.subjects.len()))?;
            for row in rows {
                let cells: Vec<_> = self.subjects.iter().map(|subject| self.cell(subject, row)).collect();
                if cells.iter().all(Option::is_none) {
                    continue;
                }
                write!(out, "| {}", row.name)?;
                if !row.unit.is_empty() {
                    write!(out, ", {}", row.unit)?;
                }
                for cell in cells {
                    write!(out, " | {}", cell.as_deref().unwrap_or("–"))?;
                }
                writeln!(out, " |")?;
            }
        }
        Ok(())
    }

    fn cell(&self, subject: &str, row: &Row) -> Option<String> {
        let spread = self.spread(subject, row)?;
        let mut cell = rounded(spread.middle);
        if spread.least < spread.most {
            cell += &format!(" ({}–{})", rounded(spread.least), rounded(spread.most));
        }
        for (yardstick, word) in row.against {
            let yard = self.spread(yardstick, row).filter(|yard| yard.middle > 0.0 && subject != *yardstick);
            if let Some(yard) = yard {
                cell += &format!(", {}× {word}", rounded(spread.middle / yard.middle));
            }
        }
        Some(cell)
    }
}

/// The median of some figures, and their range.
pub(crate) struct Spread {
    pub(crate) least: f64,
    pub(crate) middle: f64,
    pub(crate) most: f64,
}

impl Spread {
    fn of(mut figures: Vec<f64>) -> Option<Self> {
        figures.sort_by(f64::total_cmp);
        let middle = (figures.get((figures.len().checked_sub(1)?) / 2)? + figures[figures.len() / 2]) / 2.0;
        Some(Self { least: figures[0], middle, most: figures[figures.len() - 1] })
    }
}

/// Returns the quantile `share` of the sorted figures, of which there is at least one.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len()) - 1]
}

/// Formats a number with two or three significant digits, or all digits before the point.
fn rounded(figure: f64) -> String {
    match figure.abs() {
        0.0 => "0".to_owned(),
        size if size < 0.01 => format!("{figure:.4}"),
        size if size < 0.1 => format!("{figure:.3}"),
        size if size < 10.0 => format!("{figure:.2}"),
        size if size < 100.0 => format!("{figure:.1}"),
        _ => thousands(figure.round() as i64),
    }
}

/// Formats a count with its digits in groups of three.
pub(crate) fn thousands(count: i64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
