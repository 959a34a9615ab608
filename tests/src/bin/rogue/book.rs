//! A record of what the plugin still has to send: one end for each request.

use std::collections::HashMap;

use serde_json::Value;

use crate::Result;

#[derive(Debug, Default)]
struct Account {
    requests: u32,
    ends: u32,
    /// Second requests for an open session, which were dropped as an `error` event reported.
    dropped: u32,
    /// An `error` arrived, after which only the end may follow.
    failed: bool,
}

impl Account {
    fn is_open(&self) -> bool {
        self.ends + self.dropped < self.requests
    }
}

/// Requests and ends of one process.
#[derive(Default)]
pub(crate) struct Book {
    accounts: HashMap<String, Account>,
    owed: usize,
    pub(crate) errors: usize,
    pub(crate) error_events: usize,
}

impl Book {
    /// A request was sent.
    pub(crate) fn ask(&mut self, session: &str) {
        self.accounts.entry(session.to_owned()).or_default().requests += 1;
        self.owed += 1;
    }

    /// Returns how many ends are still due.
    pub(crate) fn owed(&self) -> usize {
        self.owed
    }

    /// Returns whether the end of this session is still due.
    pub(crate) fn is_open(&self, session: &str) -> bool {
        self.accounts.get(session).is_some_and(Account::is_open)
    }

    /// Records a frame that is neither a heartbeat nor a log. Returns the id of the reverse call, if it is one.
    pub(crate) fn hear(&mut self, line: &Value) -> Result<Option<String>> {
        if line["event"] == "error" {
            self.error_events += 1;
            let text = line["data"]["error"].as_str().ok_or("an `error` event without a text")?;
            if let Some((session, _)) =
                text.strip_prefix("the session ").and_then(|rest| rest.split_once(" is open already"))
            {
                let account = self.accounts.get_mut(session).ok_or("it names a session that never was")?;
                account.dropped += 1;
                self.owed -= 1;
            }
            return Ok(None);
        }
        let session = line["session_id"].as_str().ok_or("a session message without its session")?;
        let account = self.accounts.get_mut(session).ok_or_else(|| format!("unasked: {line:.300}"))?;
        if !account.is_open() {
            return Err(format!("after the end: {line:.300}").into());
        }
        match line["data"]["type"].as_str() {
            Some("end") => {
                account.ends += 1;
                account.failed = false;
                self.owed -= 1;
                Ok(None)
            }
            _ if account.failed => Err(format!("after an error: {line:.300}").into()),
            Some("error") => {
                account.failed = true;
                self.errors += 1;
                Ok(None)
            }
            Some("invoke") => {
                let call = line["data"]["data"]["backwards_request_id"].as_str();
                Ok(Some(call.ok_or("a call without an id")?.to_owned()))
            }
            Some("stream") => Ok(None),
            _ => Err(format!("of no known type: {line:.300}").into()),
        }
    }

    /// Forgets the completed sessions, so that a long run keeps only open ones.
    pub(crate) fn forget(&mut self) {
        self.accounts.retain(|_, account| account.is_open());
    }

    /// Checks that nothing is due any more.
    pub(crate) fn settle(&self) -> Result<()> {
        let open = self.accounts.iter().filter(|(_, account)| account.is_open());
        let mut open: Vec<String> =
            open.map(|(session, account)| format!("{session} ({account:?})")).collect();
        if open.is_empty() {
            return Ok(());
        }
        open.sort_unstable();
        Err(format!("{} sessions got no end, such as {}", open.len(), open[..open.len().min(5)].join(", "))
            .into())
    }
}
