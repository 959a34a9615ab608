//! A plugin whose tools and endpoints misbehave.

use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::response::AppendHeaders;
use axum::routing::get;
use dify_plugin::protocol::InvokeType;
use dify_plugin::schemars::{self, JsonSchema};
use dify_plugin::{NoParameters, Output, Plugin, Result, Tool, ToolContext};
use serde::Deserialize;
use serde_json::{Value, json};

fn main() -> ExitCode {
    Plugin::new()
        .tool("odd", "println", Println)
        .tool("odd", "printf", Printf)
        .tool("odd", "child", Child)
        .tool("odd", "cat", Cat)
        .tool("odd", "panic", Panic)
        .tool("odd", "question_mark", QuestionMark)
        .tool("odd", "nothing", Nothing)
        .tool("odd", "forever", Forever)
        .tool("odd", "outlive", Outlive)
        .tool("odd", "wait", Wait)
        .tool("odd", "hold", Hold)
        .tool("odd", "spin", Spin)
        .tool("odd", "orphan", Orphan)
        .tool("odd", "log", Log)
        .tool("odd", "deaf", Deaf)
        .tool("odd", "stream", Stream)
        .tool("odd", "huge_text", HugeText)
        .tool("odd", "huge_json", HugeJson)
        .tool("odd", "huge_call", HugeCall)
        .endpoints(Router::new().route("/cookies", get(cookies)))
        .run()
}

/// More values of a header than the daemon can carry.
async fn cookies() -> AppendHeaders<[(&'static str, &'static str); 3]> {
    AppendHeaders([("set-cookie", "a=1"), ("set-cookie", "b=2"), ("set-cookie", "c=3")])
}

/// A tool that uses only its parameters and its output.
macro_rules! tool {
    ($name:ident, $parameters:ty, |$cx:ident, $p:ident, $out:ident| $body:block) => {
        struct $name;

        impl Tool for $name {
            type Parameters = $parameters;
            async fn invoke(&self, $cx: &ToolContext, $p: $parameters, $out: &mut Output) -> Result<()> $body
        }
    };
}

tool!(Println, NoParameters, |_cx, _p, out| {
    #[expect(clippy::print_stdout, reason = "what this tool is for")]
    {
        print!("{{\"event\":\"session\", half a line");
        println!("stray println");
    }
    out.text("clean").await
});

tool!(Printf, NoParameters, |_cx, _p, out| {
    #[expect(unsafe_code, reason = "C's own stdout can only be reached through C")]
    // SAFETY: the format has no arguments; a null stream flushes all.
    unsafe {
        libc::printf(c"stray printf\n".as_ptr());
        libc::fflush(std::ptr::null_mut());
    }
    out.text("clean").await
});

tool!(Child, NoParameters, |_cx, _p, out| {
    let status = Command::new("echo").arg("stray echo").status()?;
    out.text(format!("clean, {status}")).await
});

tool!(Cat, NoParameters, |_cx, _p, out| {
    let read = Command::new("cat").stdin(std::process::Stdio::inherit()).output()?.stdout.len();
    let own = std::io::read_to_string(std::io::stdin())?.len();
    out.text(format!("the child read {read} bytes, the plugin {own}")).await
});

tool!(Panic, NoParameters, |_cx, _p, out| {
    out.text("before").await?;
    panic!("on purpose")
});

tool!(QuestionMark, NoParameters, |_cx, _p, out| {
    out.text("before").await?;
    let _: u32 = "ten".parse()?;
    out.text("after").await
});

tool!(Nothing, NoParameters, |_cx, _p, _out| { Ok(()) });

tool!(Forever, NoParameters, |_cx, _p, out| {
    out.text("before").await?;
    std::future::pending().await
});

// Sends from a task that continues after the tool has returned.
tool!(Outlive, Until, |cx, p, out| {
    out.text("before").await?;
    let session = cx.clone();
    tokio::spawn(async move {
        p.wait().await;
        let refused = session.transport().send(&json!({"type": "text", "message": {"text": "late"}})).await;
        tracing::info!(refused = refused.is_err(), "the late message");
    });
    Ok(())
});

// Waits for the first reply to a reverse call.
tool!(Wait, NoParameters, |cx, _p, out| {
    let mut replies = cx.invoke(InvokeType::App, &json!({"app_id": "app-1"})).await?;
    let reply = replies.try_next().await?;
    let reply: Value = reply.map(|reply| serde_json::from_str(reply.get())).transpose()?.unwrap_or_default();
    out.json(&json!({"reply": reply})).await
});

/// The path of a FIFO: a read returns once a writer has opened it and closed it again.
#[derive(Deserialize, JsonSchema)]
struct Until {
    fifo: String,
}

impl Until {
    async fn wait(&self) {
        let _ = tokio::fs::read(&self.fifo).await;
    }
}

// Stays open without holding a worker.
tool!(Hold, Until, |_cx, p, out| {
    out.text("holding").await?;
    p.wait().await;
    out.text("released").await
});

// Holds its worker.
tool!(Spin, Until, |_cx, p, out| {
    out.text("spinning").await?;
    let released = Arc::new(AtomicBool::new(false));
    let release = released.clone();
    std::thread::spawn(move || {
        let _ = std::fs::read(p.fifo);
        release.store(true, Ordering::Release);
    });
    while !released.load(Ordering::Acquire) {
        std::hint::spin_loop();
    }
    out.text("released").await
});

// Starts a child that outlives the plugin.
tool!(Orphan, Until, |_cx, p, out| {
    Command::new("cat").arg(p.fifo).stdin(std::process::Stdio::inherit()).spawn()?;
    out.text("started").await
});

tool!(Log, NoParameters, |_cx, _p, out| {
    tracing::info!(n = 7, "a word");
    tracing::error!("another");
    tracing::debug!("not heard");
    out.text("logged").await
});

// Makes a reverse call and reads none of its replies until released.
tool!(Deaf, Until, |cx, p, out| {
    let mut replies = cx.invoke(InvokeType::App, &json!({"app_id": "app-1"})).await?;
    p.wait().await;
    let mut read = 0;
    while replies.try_next().await?.is_some() {
        read += 1;
    }
    out.text(format!("{read} replies")).await
});

// Sends the same message until sending fails.
tool!(Stream, NoParameters, |_cx, _p, out| {
    loop {
        out.text("x".repeat(1000)).await?;
    }
});

#[derive(Deserialize, JsonSchema)]
struct Size {
    bytes: usize,
}

tool!(HugeText, Size, |_cx, p, out| { out.text("x".repeat(p.bytes)).await });

tool!(HugeJson, Size, |_cx, p, out| { out.json(&json!({"text": "x".repeat(p.bytes)})).await });

tool!(HugeCall, Size, |cx, p, out| {
    let request = json!({"app_id": "app-1", "query": "x".repeat(p.bytes)});
    drop(cx.invoke(InvokeType::App, &request).await?);
    out.text("called").await
});
