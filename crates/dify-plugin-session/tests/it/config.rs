//! The configuration: its fields, their variables, defaults and limits.

use std::time::Duration;

use dify_plugin_session::Config;

/// Every field as text: its name, its value in bytes or seconds.
fn fields(config: &Config) -> Vec<(&'static str, String)> {
    let seconds = |duration: Duration| duration.as_secs_f64().to_string();
    vec![
        ("max_line_bytes", config.max_line_bytes.to_string()),
        ("max_frame_bytes", config.max_frame_bytes.to_string()),
        ("output_bytes", config.output_bytes.to_string()),
        ("reply_queue_bytes", config.reply_queue_bytes.to_string()),
        ("total_queue_bytes", config.total_queue_bytes.to_string()),
        ("max_sessions", config.max_sessions.to_string()),
        ("invocation_timeout", seconds(config.invocation_timeout)),
        ("handler_deadline", seconds(config.handler_deadline)),
        ("heartbeat_interval", seconds(config.heartbeat_interval.unwrap())),
        ("shutdown_grace", seconds(config.shutdown_grace)),
    ]
}

/// Variable, default, another value as it may be written and as it is read, and values that are refused.
const CASES: [(&str, &str, [&str; 2], &[&str]); 10] = [
    ("DIFY_PLUGIN_MAX_LINE_BYTES", "67108864", ["1", "1"], &["0", "-1", "64MiB", "1.5", ""]),
    ("DIFY_PLUGIN_MAX_FRAME_BYTES", "5242879", ["16384", "16384"], &["16383", "0", "x"]),
    ("DIFY_PLUGIN_OUTPUT_BYTES", "262144", [" 2 ", "2"], &["0", "x"]),
    ("DIFY_PLUGIN_REPLY_QUEUE_BYTES", "4194304", ["3", "3"], &["0", "x"]),
    ("DIFY_PLUGIN_TOTAL_QUEUE_BYTES", "268435456", ["4", "4"], &["0", "x"]),
    ("MAX_WORKER", "100000", ["5", "5"], &["0", "none"]),
    ("MAX_INVOCATION_TIMEOUT", "250", ["0.5", "0.5"], &["0", "-1", "NaN", "1e400", "soon", ""]),
    ("DIFY_PLUGIN_HANDLER_DEADLINE", "600", ["6", "6"], &["0", "x"]),
    ("HEARTBEAT_INTERVAL", "10", [" 7.25 ", "7.25"], &["0", "inf"]),
    ("DIFY_PLUGIN_SHUTDOWN_GRACE", "10", ["8", "8"], &["0", "x"]),
];

#[test]
fn each_variable_sets_its_field_and_no_other() {
    let unset = fields(&Config::from_vars(|_| None).unwrap());
    assert_eq!(unset, fields(&Config::default()));
    for (n, (variable, default, [written, read], _)) in CASES.into_iter().enumerate() {
        assert_eq!(Config::VARIABLES[n], (unset[n].0, variable));
        assert_eq!(unset[n].1, default, "{variable}");
        let set = Config::from_vars(|name| (name == variable).then(|| written.to_owned())).unwrap();
        let mut expected = unset.clone();
        expected[n].1 = read.to_owned();
        assert_eq!(fields(&set), expected, "{variable}");
    }
}

#[test]
fn a_value_that_is_not_a_number_in_range_is_refused_by_name() {
    for (variable, _, _, refused) in CASES {
        for value in refused {
            let error = Config::from_vars(|name| (name == variable).then(|| (*value).to_owned()));
            let error = error.expect_err(&format!("{variable}={value}"));
            assert_eq!((error.name, &*error.value), (variable, *value));
            let text = error.to_string();
            assert!(text.contains(variable) && text.contains(error.expected), "{text}");
        }
    }
}

#[test]
fn from_env_reads_the_environment_of_the_process() {
    // The test program is started without any of the variables.
    assert_eq!(fields(&Config::from_env().unwrap()), fields(&Config::default()));
}

/// With no room at all nothing could be sent, and with no pause only heartbeats.
#[tokio::test(start_paused = true)]
async fn a_config_without_room_and_without_a_pause_still_works() {
    let mut config = Config::default();
    config.output_bytes = 0;
    config.heartbeat_interval = Some(Duration::ZERO);
    let mut daemon = crate::daemon::Daemon::with(config, 4096);
    let (_, responder) = daemon.open("s").await.into_parts();
    responder.send("sent").await.unwrap();
    loop {
        let frame = daemon.read().await;
        if frame["event"] != "heartbeat" {
            assert_eq!(frame["data"]["data"], "sent");
            break;
        }
    }
}
