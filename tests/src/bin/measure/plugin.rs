//! A running plugin and its pipes. The work done here for each frame competes with the plugin for the same few CPUs,
//! so it must cost less than what is measured.

use std::io::{Read, Write};
use std::ops::Range;
use std::process::{ChildStdin, ChildStdout, Stdio};

use scenarios::Process;

use crate::Result;
use crate::subject::Subject;
use crate::wire::{Kind, kind};

const READ_BYTES: usize = 64 * 1024;

pub(crate) struct Plugin {
    process: Process,
    pub(crate) input: ChildStdin,
    pub(crate) output: Output,
}

impl Plugin {
    /// Starts it and waits for its first heartbeat.
    pub(crate) fn start(subject: &Subject) -> Result<Self> {
        let mut child = subject
            .launch
            .command()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| {
                format!("it can't be started: {error}; build it with the profile of this program")
            })?;
        let input = child.stdin.take().ok_or("no stdin")?;
        let output = Output::new(child.stdout.take().ok_or("no stdout")?);
        let mut plugin = Self { process: Process::new(child), input, output };
        while memchr::memmem::find(plugin.output.line()?, b"heartbeat").is_none() {}
        Ok(plugin)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Sends a request, waits for the end of the response, and returns its numbers of messages and bytes.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Result<(usize, usize)> {
        self.input.write_all(request)?;
        let (mut messages, mut bytes) = (0, 0);
        loop {
            let line = self.output.line()?;
            match kind(line)? {
                Kind::Stream => (messages, bytes) = (messages + 1, bytes + line.len()),
                Kind::End => return Ok((messages, bytes)),
                Kind::Invoke => return Err("it called back unasked".into()),
                Kind::Other => {}
            }
        }
    }
}

/// The plugin's output, as frames.
pub(crate) struct Output {
    pipe: ChildStdout,
    buffer: Vec<u8>,
    /// The part of the buffer that has been read but not returned.
    unread: Range<usize>,
    /// How many bytes of that are known to contain no newline.
    searched: usize,
}

impl Output {
    fn new(pipe: ChildStdout) -> Self {
        Self { pipe, buffer: vec![0; 2 * READ_BYTES], unread: 0..0, searched: 0 }
    }

    /// Returns the next frame, without its newline.
    pub(crate) fn line(&mut self) -> Result<&[u8]> {
        loop {
            if let Some(line) = self.find() {
                return Ok(&self.buffer[line]);
            }
            self.fill()?;
        }
    }

    /// Returns the next frame, if it has been read.
    pub(crate) fn read_line(&mut self) -> Option<&[u8]> {
        self.find().map(|line| &self.buffer[line])
    }

    fn find(&mut self) -> Option<Range<usize>> {
        let start = self.unread.start;
        let Some(at) = memchr::memchr(b'\n', &self.buffer[start + self.searched..self.unread.end]) else {
            self.searched = self.unread.len();
            return None;
        };
        let end = start + self.searched + at;
        (self.unread.start, self.searched) = (end + 1, 0);
        Some(start..end)
    }

    /// Reads once, and waits if there is nothing to read.
    pub(crate) fn fill(&mut self) -> Result<()> {
        self.buffer.copy_within(self.unread.clone(), 0);
        self.unread = 0..self.unread.len();
        if self.buffer.len() - self.unread.end < READ_BYTES {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let read = self.pipe.read(&mut self.buffer[self.unread.end..])?;
        if read == 0 {
            return Err("it closed its output".into());
        }
        self.unread.end += read;
        Ok(())
    }

    /// Returns how many unexpected frames have arrived, without waiting for more.
    pub(crate) fn count_waiting_lines(&mut self) -> Result<usize> {
        while rustix::io::ioctl_fionread(&self.pipe)? > 0 {
            self.fill()?;
        }
        let mut lines = 0;
        while self.read_line().is_some() {
            lines += 1;
        }
        Ok(lines)
    }
}
