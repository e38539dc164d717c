//! `--format` and `--out`, as often as one likes: each file belongs to the format before it.

use std::path::PathBuf;

use clap::{
    Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueEnum, builder::EnumValueParser,
    value_parser,
};

/// How results are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For a person at a terminal
    #[default]
    Table,
    /// For a page
    Markdown,
    /// For programs, and for `pgtls diff`
    Json,
    /// For CI
    Junit,
}

/// Each wanted format, and the file it goes to, or stdout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outputs(pub(super) Vec<(Format, Option<PathBuf>)>);

impl Args for Outputs {
    fn augment_args(command: Command) -> Command {
        command
            .arg(
                Arg::new("format")
                    .long("format")
                    .action(ArgAction::Append)
                    .value_parser(EnumValueParser::<Format>::new())
                    .help("How the results are written; several, each with its --out behind it [default: table]"),
            )
            .arg(
                Arg::new("out")
                    .long("out")
                    .value_name("F")
                    .action(ArgAction::Append)
                    .value_parser(value_parser!(PathBuf))
                    .help("Writes the format before it into this file instead of stdout"),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Outputs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let placed = |id: &str| matches.indices_of(id).into_iter().flatten().collect::<Vec<_>>();
        let formats = matches.get_many::<Format>("format").into_iter().flatten().copied();
        let mut outputs: Vec<(usize, Format, Option<PathBuf>)> = placed("format")
            .into_iter()
            .zip(formats)
            .map(|(place, format)| (place, format, None))
            .collect();
        if outputs.is_empty() {
            outputs.push((0, Format::default(), None));
        }
        let files = matches.get_many::<PathBuf>("out").into_iter().flatten();
        for (place, file) in placed("out").into_iter().zip(files) {
            let owner = outputs.iter_mut().rev().find(|(before, ..)| *before < place);
            match owner {
                Some((_, _, out @ None)) => *out = Some(file.clone()),
                _ => {
                    let text = format!(
                        "--out {}: wanted a --format before it that has no file yet\n",
                        file.display()
                    );
                    return Err(clap::Error::raw(clap::error::ErrorKind::ArgumentConflict, text));
                }
            }
        }
        Ok(Self(outputs.into_iter().map(|(_, format, out)| (format, out)).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Option<Outputs> {
        let command = Outputs::augment_args(Command::new("pgtls").no_binary_name(true));
        Outputs::from_arg_matches(&command.try_get_matches_from(arguments).ok()?).ok()
    }

    #[test]
    fn each_file_belongs_to_the_format_before_it() {
        let file = |name: &str| Some(PathBuf::from(name));
        for (arguments, outputs) in [
            (&[][..], vec![(Format::Table, None)]),
            (&["--out", "a"], vec![(Format::Table, file("a"))]),
            (&["--format", "json", "--out", "a"], vec![(Format::Json, file("a"))]),
            (
                &[
                    "--format", "table", "--format", "json", "--out", "a", "--format", "junit",
                    "--out", "b",
                ],
                vec![(Format::Table, None), (Format::Json, file("a")), (Format::Junit, file("b"))],
            ),
        ] {
            assert_eq!(parse(arguments), Some(Outputs(outputs)), "{arguments:?}");
        }
        assert_eq!(parse(&["--out", "a", "--format", "json", "--out", "b", "--out", "c"]), None);
    }
}
