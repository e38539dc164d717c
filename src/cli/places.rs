//! Where each format of a run's results goes: every one that can be written is written, and none
//! is lost.

use std::io::{IsTerminal as _, stdout};

use super::{
    error::CliError,
    file::{self, Pending},
    output,
    outputs::{Format, Outputs},
};

/// The places of a run's results, each seen to be one.
#[derive(Debug)]
pub(super) struct Places(Vec<(Format, Option<Pending>)>);

/// A format that found no place.
struct Lost {
    format: Format,
    text: String,
    /// Whether stdout was its place.
    on_stdout: bool,
}

impl Places {
    /// Sees that every file can be made, and that no two are one.
    pub(super) fn of(outputs: &Outputs) -> Result<Self, CliError> {
        let mut places: Vec<(Format, Option<Pending>)> = Vec::new();
        for (format, out) in &outputs.0 {
            let pending = out.as_deref().map(Pending::new).transpose()?;
            if let Some(pending) = &pending {
                refuse_twice(pending, places.iter().filter_map(|(_, other)| other.as_ref()))?;
            }
            places.push((*format, pending));
        }
        Ok(Self(places))
    }

    /// Writes each format where it belongs. What cannot be written there is said on stderr, and
    /// goes to stdout, if nothing else does, or into a folder that is named.
    ///
    /// `render` is told whether colours are seen.
    pub(super) fn write(
        &self,
        render: impl Fn(Format, bool) -> Result<String, CliError>,
    ) -> Result<(), CliError> {
        let mut failed = 0;
        let mut lost = Vec::new();
        for (format, pending) in &self.0 {
            let colour = pending.is_none() && stdout().is_terminal();
            let text = match render(*format, colour) {
                Ok(text) => text.trim_end().to_owned(),
                Err(error) => {
                    failed += 1;
                    output::notice(&error.one_line());
                    continue;
                }
            };
            let written = match pending {
                Some(pending) => pending.finish(&format!("{text}\n")),
                None => print(*format, &text),
            };
            if let Err(error) = written {
                failed += 1;
                output::notice(&error.one_line());
                lost.push(Lost { format: *format, text, on_stdout: pending.is_none() });
            }
        }
        self.find_a_place(lost);
        match failed {
            0 => Ok(()),
            // Which and why was said above.
            _ => Err(CliError::Unwritten),
        }
    }

    /// A place for what was lost.
    fn find_a_place(&self, mut lost: Vec<Lost>) {
        let taken = self.0.iter().any(|(_, pending)| pending.is_none());
        if !taken
            && let Some(first) = lost.first()
            && print(first.format, &first.text).is_ok()
        {
            lost.remove(0);
        }
        let names: Vec<(String, String)> = lost
            .iter()
            .enumerate()
            .map(|(number, lost)| {
                (
                    format!("results-{}.{}", number + 1, ending(lost.format)),
                    format!("{}\n", lost.text),
                )
            })
            .collect();
        let named: Vec<(&str, &str)> =
            names.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        if named.is_empty() || file::keep(&named) {
            return;
        }
        // The last place there is, be it taken: better twice on stdout than nowhere.
        for Lost { format, text, on_stdout } in &lost {
            if !on_stdout {
                let _ = print(*format, text);
            }
        }
    }
}

/// That no two outputs are one file: the second would replace the first.
fn refuse_twice<'a>(
    pending: &Pending,
    mut others: impl Iterator<Item = &'a Pending>,
) -> Result<(), CliError> {
    if others.any(|other| other.is_same(pending)) {
        let path = pending.path().display();
        return Err(CliError::Usage(format!("two outputs are one file, {path}")));
    }
    Ok(())
}

fn print(format: Format, text: &str) -> Result<(), CliError> {
    match format {
        Format::Table | Format::Markdown => output::line(text),
        Format::Json | Format::Junit => output::data(text),
    }
}

fn ending(format: Format) -> &'static str {
    match format {
        Format::Table => "txt",
        Format::Markdown => "md",
        Format::Json => "json",
        Format::Junit => "xml",
    }
}
