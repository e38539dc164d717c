//! A shim's process, from its start to its end.

use std::time::Duration;

use super::{
    CONTRACT, ClientEnvironment, Hello, Launch, Request, Response, ShimError, ShimProcess,
    family::Homes,
};

const SOON: Duration = Duration::from_secs(5);

fn shim(script: &str) -> ShimProcess {
    let launch = Launch {
        program: "sh".into(),
        arguments: vec!["-c".into(), script.into()],
        variables: Vec::new(),
    };
    let nothing = ClientEnvironment {
        ssl_cert_file: "/dev/null".into(),
        ssl_cert_dir: "/dev/null".into(),
        homes: std::env::temp_dir(),
    };
    ShimProcess::start(&launch, &nothing).expect("sh")
}

async fn hello(script: &str) -> Result<Response, ShimError> {
    shim(script).ask(&Request::Hello { contract: CONTRACT }, SOON).await
}

#[tokio::test]
async fn an_answer_is_read() {
    let script =
        r#"read question; echo '{"type":"hello","contract":1,"name":"x","version":"1","tls":""}'"#;
    assert!(matches!(hello(script).await, Ok(Response::Hello(Hello { contract: 1, .. }))));
}

#[tokio::test]
async fn whatever_else_comes_is_told_apart() {
    assert!(matches!(
        hello("read question; echo rubbish").await,
        Err(ShimError::NotTheContract { .. })
    ));
    assert!(matches!(hello("printf '{\"type\"'").await, Err(ShimError::NotTheContract { .. })));
    assert!(matches!(hello("cat /dev/zero").await, Err(ShimError::NotTheContract { .. })));
    assert!(matches!(
        hello("echo why >&2; exit 3").await,
        Err(ShimError::Died { stderr, .. }) if stderr == "why\n"
    ));
    assert!(matches!(hello("exec >&-; exec sleep 100").await, Err(ShimError::Died { .. })));
}

#[tokio::test]
async fn silence_ends_at_the_deadline() {
    let mut process = shim("exec sleep 100");
    let asked =
        process.ask(&Request::Hello { contract: CONTRACT }, Duration::from_millis(50)).await;
    assert!(matches!(asked, Err(ShimError::Deadline(_))));
}

#[tokio::test]
async fn what_it_started_dies_with_it() {
    let script = "setsid sleep 1000 & read question; echo started; read more";
    let mut process = shim(script);
    let asked = process.ask(&Request::Hello { contract: CONTRACT }, SOON).await;
    assert!(matches!(asked, Err(ShimError::NotTheContract { .. })));
    let home = process.home().to_owned();
    assert!(!Homes::Of(&[&home]).family(&[]).is_empty());
    process.kill().await;
    // A killed process is a zombie, with no environment, until its parent reaps it.
    assert_eq!(Homes::Of(&[&home]).family(&[]), []);
}

#[tokio::test]
async fn a_home_of_its_own_makes_nobody_deaf() {
    let script = r#"exec env HOME=/tmp sh -c 'while read question; do
        echo "{\"type\":\"hello\",\"contract\":1,\"name\":\"x\",\"version\":\"1\",\"tls\":\"\"}"
    done'"#;
    let mut process = shim(script);
    let asked = process.ask(&Request::Hello { contract: CONTRACT }, SOON).await;
    assert!(matches!(asked, Ok(Response::Hello(_))), "{asked:?}");
    let now = tokio::time::Instant::now();
    assert_eq!(ShimProcess::retire(vec![(process, now)]).await, [None]);
}

#[tokio::test]
async fn the_environment_is_bare() {
    let mut process = shim("env | cut -d= -f1 | sort | tr '\\n' ' '; echo");
    let asked = process.ask(&Request::Hello { contract: CONTRACT }, SOON).await;
    let Err(ShimError::NotTheContract { line, .. }) = asked else { panic!("{asked:?}") };
    assert_eq!(
        line.replace("PWD ", "").replace("SHLVL ", "").replace("_ ", ""),
        "HOME LANG PATH SSL_CERT_DIR SSL_CERT_FILE"
    );
}
