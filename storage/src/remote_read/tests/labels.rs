//! Label names and values are those of the series that match.

use super::super::testing::FakeRemote;
use super::servers::*;

#[tokio::test]
async fn names_and_values_are_those_of_series() {
    let server = fake().start().await;
    let storage = over(&server);
    let of_a = [vec![equal("job", "a")], vec![equal("job", "nobody")]];
    assert_eq!(
        names(&storage, None, &[]).await.unwrap(),
        ["__name__", "job"]
    );
    assert_eq!(names(&storage, Some("job"), &[]).await.unwrap(), ["a", "b"]);
    assert_eq!(names(&storage, Some("job"), &of_a).await.unwrap(), ["a"]);
    assert!(
        names(&storage, Some("other"), &of_a)
            .await
            .unwrap()
            .is_empty()
    );
    for request in server.requests() {
        let query = &request.message.queries[0];
        assert_eq!(query.hints.as_ref().unwrap().func, "series");
        assert_eq!(request.message.accepted_response_types, [0]);
    }
    let all = &server.requests()[0].message.queries[0].matchers[0];
    assert_eq!((&*all.name, all.r#type, &*all.value), ("__name__", 2, ".*"));
}

#[tokio::test]
async fn a_failure_is_one_of_the_look_up() {
    use super::super::testing::Fault;
    let fault = Fault::Refused("503 Service Unavailable", "later");
    let server = FakeRemote::over(two_series())
        .with_fault(fault)
        .start()
        .await;
    let error = names(&over(&server), None, &[]).await.unwrap_err();
    assert!(
        error.to_string().contains("503 Service Unavailable: later"),
        "{error}"
    );
}
