//! The command line.

use std::path::PathBuf;

use crate::Result;

pub(crate) struct Options {
    pub(crate) runs: usize,
    /// A Python with the official SDK.
    pub(crate) python: Option<PathBuf>,
    /// The plugin for it.
    pub(crate) twin: PathBuf,
    /// The names of the contenders to run; all if empty.
    pub(crate) only: Vec<String>,
    /// The file for the plot.
    pub(crate) plot: Option<PathBuf>,
    /// Whether to use counts so small that the figures mean nothing, to check that everything works.
    pub(crate) quick: bool,
}

impl Options {
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self {
            runs: 7,
            python: None,
            twin: PathBuf::from("tests/peer/bench-python"),
            only: Vec::new(),
            plot: None,
            quick: false,
        };
        while let Some(argument) = arguments.next() {
            if argument == "--quick" {
                (options.quick, options.runs) = (true, 1);
                continue;
            }
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--runs" => options.runs = value()?.parse()?,
                "--python" => options.python = Some(PathBuf::from(value()?)),
                "--twin" => options.twin = PathBuf::from(value()?),
                "--only" => options.only = value()?.split(',').map(|name| name.trim().to_owned()).collect(),
                "--plot" => options.plot = Some(PathBuf::from(value()?)),
                other => return Err(format!("unknown option {other}").into()),
            }
        }
        if options.runs == 0 {
            return Err("--runs must be at least 1".into());
        }
        Ok(options)
    }
}
