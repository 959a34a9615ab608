//! Mistakes in building a plugin.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};

use axum::Router;
use dify_plugin::protocol::{AccessType, Action};
use dify_plugin::{NoParameters, Output, Plugin, RawOutput, Result, Session, Tool, ToolContext};
use serde_json::value::RawValue;

struct Nothing;

impl Tool for Nothing {
    type Parameters = NoParameters;

    async fn invoke(&self, _: &ToolContext, _: NoParameters, _: &mut Output) -> Result<()> {
        Ok(())
    }
}

async fn check(_: Session, (): ()) -> Result<()> {
    Ok(())
}

async fn raw(_: Session, _: Box<RawValue>, _: RawOutput) -> Result<()> {
    Ok(())
}

thread_local! {
    static FILE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Returns the file in which a panic of `register` is reported.
fn blamed(register: impl FnOnce() -> Plugin) -> Option<String> {
    FILE.take();
    assert!(panic::catch_unwind(AssertUnwindSafe(register)).is_err());
    FILE.take()
}

#[test]
fn a_mistake_in_registering_is_reported_where_the_author_made_it() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        FILE.set(panic.location().map(|location| location.file().to_owned()));
        before(panic);
    }));
    let here = Some(file!().to_owned());
    assert_eq!(blamed(|| Plugin::new().tool("a", "b", Nothing).tool("a", "b", Nothing)), here);
    assert_eq!(blamed(|| Plugin::new().tool_credentials("a", check).tool_credentials("a", check)), here);
    let router = Router::<()>::new;
    assert_eq!(blamed(|| Plugin::new().endpoints(router()).endpoints(router())), here);
    assert_eq!(blamed(|| Plugin::new().workers(0)), here);
    let on = |action| Plugin::new().on(AccessType::Tool, action, raw);
    assert_eq!(blamed(|| on("polish".into()).on(AccessType::Tool, "polish".into(), raw)), here);
    assert_eq!(blamed(|| on(Action::InvokeTool)), here);
    assert_eq!(blamed(|| Plugin::new().on(AccessType::Model, Action::InvokeLlm, raw)), here);
}
