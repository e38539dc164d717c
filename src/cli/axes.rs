//! One flag for every axis.

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, builder::PossibleValuesParser};
use pgtls_conformance::axes::{AXES, Axes, Axis, Host};

/// `--reply`, `--certificate`, …: values for the axes that were named.
#[derive(Debug, Default, Clone)]
pub(super) struct AxesArgs {
    given: Vec<(&'static str, String)>,
}

/// The same, of the server's axes alone.
#[derive(Debug, Default, Clone)]
pub(super) struct ServerAxesArgs(AxesArgs);

impl AxesArgs {
    /// The axes, those that were not named at their defaults.
    pub(super) fn axes(&self) -> Axes {
        self.over(Axes::default())
    }

    fn over(&self, mut axes: Axes) -> Axes {
        for (axis, value) in &self.given {
            // Every value went through its axis's parser.
            if let Err(error) = axes.set(axis, value) {
                tracing::error!(%error, "an axis was parsed and is not to be set");
            }
        }
        axes
    }

    /// Whether an axis of the server's was named.
    pub(super) fn sets_server(&self) -> bool {
        let of_server = |name: &str| AXES.iter().any(|axis| axis.name == name && axis.of_server);
        self.given.iter().any(|(name, _)| of_server(name))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.given.is_empty()
    }
}

impl ServerAxesArgs {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The server's axes, those that were not named as they are in `default`.
    pub(super) fn over(
        &self,
        default: pgtls_conformance::axes::ServerAxes,
    ) -> pgtls_conformance::axes::ServerAxes {
        self.0.over(Axes { server: default, ..Axes::default() }).server
    }
}

fn augment(command: Command, wanted: fn(&Axis) -> bool) -> Command {
    AXES.iter().filter(|axis| wanted(axis)).fold(command, |command, axis| {
        let values = (axis.values)();
        let heading = if axis.of_server { "Server axes" } else { "Client axes" };
        let arg = Arg::new(axis.name)
            .long(axis.name)
            .value_name(if axis.name == Host::AXIS { "NAME" } else { "VALUE" })
            .help_heading(heading)
            .hide_possible_values(true)
            .help(format!("{} [default: {}]", values.join(", "), values[0]));
        command.arg(if axis.name == Host::AXIS {
            arg.value_parser(|text: &str| text.parse::<Host>().map(|host| host.to_string()))
                .help("the name to connect to and to verify [default: localhost]")
        } else {
            arg.value_parser(PossibleValuesParser::new(values))
        })
    })
}

fn given(matches: &ArgMatches) -> AxesArgs {
    let given = AXES.iter().filter_map(|axis| {
        let value = matches.try_get_one::<String>(axis.name).ok().flatten()?;
        Some((axis.name, value.clone()))
    });
    AxesArgs { given: given.collect() }
}

impl FromArgMatches for AxesArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(given(matches))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = given(matches);
        Ok(())
    }
}

impl Args for AxesArgs {
    fn augment_args(command: Command) -> Command {
        augment(command, |_| true)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ServerAxesArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(given(matches)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0 = given(matches);
        Ok(())
    }
}

impl Args for ServerAxesArgs {
    fn augment_args(command: Command) -> Command {
        augment(command, |axis| axis.of_server)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
