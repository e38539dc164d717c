//! The runner: many cells over many stacks, several side by side.
//!
//! [`events`] runs a [`Plan`] and tells what happens as a stream, of which [`PartialResults`] is the
//! fold; [`run`] does both. A [`Subject`] is one stack that is asked one thing after another.

mod alone;
mod belief;
mod blank;
mod busy_clock;
mod cell;
mod cell_run;
mod checkout;
mod claim;
mod cost;
mod desk;
mod doubts;
mod driver;
mod environment;
mod event;
mod heartbeat;
mod in_process;
mod interrupt;
mod lanes;
mod means;
mod measure;
mod multiplexed;
mod multiplexer;
mod network;
mod open;
mod panics;
mod plan;
mod pool;
mod probe;
mod question;
mod request;
mod run;
mod scrub;
mod spec;
mod stack;
mod subject;
mod support;
mod suspicion;
mod thread_usage;
mod turn;
mod virtual_time;
mod workers;

pub use self::{
    cell_run::CellRun,
    driver::Driver,
    environment::{TestEnvironment, TestEnvironmentError},
    event::{Event, PartialResults},
    interrupt::Interrupt,
    means::Shortage,
    network::{Network, Stream},
    plan::Plan,
    question::ServerBehaviour,
    run::{events, run},
    spec::StackSpec,
    subject::Subject,
};
