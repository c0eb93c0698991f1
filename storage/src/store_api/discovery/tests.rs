//! Names and files.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;
use quarrel_matchers::{MatchOp, Matcher};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use super::super::config::EndpointsConfig;
use super::super::spec::EndpointSpec;
use super::files::{is_match, parse};
use super::message::{Answer, Service, answer, question};
use super::resolver::Resolver;
use super::{Discovery, Target};

/// An answer to a question: its records point to the question's name.
fn reply(question: &[u8], records: &[(u16, &str)], code: u16, truncated: bool) -> Vec<u8> {
    let mut out = question[..2].to_vec();
    let flags = 0x8180 | code | if truncated { 0x0200 } else { 0 };
    for word in [flags, 1, records.len() as u16, 0, 0] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    out.extend_from_slice(&question[12..]);
    for (port, target) in records {
        // The name is a pointer to the question's.
        out.extend_from_slice(&[0xc0, 12]);
        let mut data = vec![0, 1, 0, 2];
        data.extend_from_slice(&port.to_be_bytes());
        for part in target.split('.').filter(|part| !part.is_empty()) {
            data.push(part.len() as u8);
            data.extend_from_slice(part.as_bytes());
        }
        data.push(0);
        for word in [33, 1, 0, 60, data.len() as u16] {
            out.extend_from_slice(&u16::to_be_bytes(word));
        }
        out.extend_from_slice(&data);
    }
    out
}

#[test]
fn messages_are_those_of_rfc_1035() {
    let asked = question(0x1234, "_grpc._tcp.a.test.").unwrap();
    assert_eq!(asked[..12], [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(
        &asked[12..],
        b"\x05_grpc\x04_tcp\x01a\x04test\0\0\x21\0\x01"
    );
    let services = |records: &[(u16, &str)]| -> Vec<Service> {
        let service = |&(port, target): &(u16, &str)| Service {
            port,
            target: target.into(),
        };
        records.iter().map(service).collect()
    };
    let records = [(1, "a.test"), (65535, "b.c.test")];
    let bytes = reply(&asked, &records, 0, false);
    assert_eq!(
        answer(0x1234, &bytes),
        Ok(Answer::Services(services(&records)))
    );
    assert!(answer(0x1235, &bytes).is_err() && answer(0x1234, &asked).is_err());
    for cut in 0..bytes.len() {
        assert!(answer(0x1234, &bytes[..cut]).is_err(), "{cut} bytes");
    }
    assert_eq!(
        answer(0x1234, &reply(&asked, &[], 0, true)),
        Ok(Answer::Truncated)
    );
    assert_eq!(
        answer(0x1234, &reply(&asked, &[], 3, false)),
        Ok(Answer::Services(vec![]))
    );
    assert!(
        answer(0x1234, &reply(&asked, &[], 2, false))
            .unwrap_err()
            .ends_with("code 2")
    );
    let long = "a".repeat(64);
    for bad in ["", "a..b", ".a", &*long, &"a.".repeat(130)] {
        assert!(question(1, bad).is_err(), "{bad}");
    }
}

#[test]
fn names_that_point_in_a_circle_end() {
    let asked = question(1, "a.test").unwrap();
    let mut bytes = reply(&asked, &[(1, "b")], 0, false);
    let target = bytes.len() - 3;
    for (high, low) in [
        (0xc0, target as u8),
        (0xc0, target as u8 + 1),
        (0xff, 0xff),
        (0x80, 0),
    ] {
        bytes[target] = high;
        bytes[target + 1] = low;
        assert!(answer(1, &bytes).is_err());
    }
}

proptest! {
    #[test]
    fn any_bytes_are_an_answer_or_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        at in prop::collection::vec((0usize..60, any::<u8>()), 0..6),
    ) {
        let _ = answer(0, &bytes);
        let asked = question(7, "_grpc._tcp.a").unwrap();
        let mut near = reply(&asked, &[(1, "a.b"), (2, "c")], 0, false);
        for (place, byte) in at {
            let place = place % near.len();
            near[place] = byte;
        }
        let _ = answer(7, &near);
    }

    #[test]
    fn patterns_match_as_regular_expressions(pattern in "[ab*]{0,6}", name in "[ab]{0,6}") {
        let regex = pattern.replace('*', ".*");
        let regex = Matcher::new(MatchOp::Regex, "name", &regex).unwrap();
        prop_assert_eq!(is_match(&pattern, &name), regex.matches(&name));
    }

    #[test]
    fn any_text_is_a_file_or_an_error(text in "\\PC{0,40}|[\\[\\]{}:\", targes-]{0,40}", is_json: bool) {
        let _ = parse(&text, is_json);
    }
}

#[test]
fn files_are_those_of_prometheus() {
    let spec = |text: &str| EndpointSpec::new(text).unwrap();
    let expected = vec![spec("a:1"), spec("dns+b:2"), spec("c:3")];
    let json = r#"[{"targets":["a:1","dns+b:2"],"labels":{"x":"y"}},{"targets":["c:3"]}]"#;
    assert_eq!(parse(json, true), Ok(expected.clone()));
    let yaml = "- targets: ['a:1', 'dns+b:2']\n  labels:\n    x: y\n- targets:\n  - c:3\n";
    assert_eq!(parse(yaml, false), Ok(expected));
    assert_eq!(parse("", false), Ok(vec![]));
    assert!(parse("", true).is_err() && parse("x: y", false).is_err());
    assert!(
        parse(r#"[{"targets":["a"]}]"#, true)
            .unwrap_err()
            .starts_with("endpoint a: ")
    );
}

fn names(targets: &[Target]) -> Vec<&str> {
    targets.iter().map(|target| &*target.name).collect()
}

#[tokio::test]
async fn files_are_read_when_they_change() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("one.json", r#"[{"targets":["a:1"]}]"#);
    write("two.yml", "- targets: ['b:1']");
    let mut strict = EndpointSpec::new("b:1").unwrap();
    strict = strict.strict().unwrap();
    let config = EndpointsConfig {
        sd_files: vec![dir.path().join("*.json"), dir.path().join("two.yml")],
        ..EndpointsConfig::new([strict])
    };
    let mut discovery = Discovery::new(&config).unwrap();
    let targets = discovery.look_up().await;
    assert_eq!(names(&targets), ["a:1", "b:1"]);
    assert_eq!((targets[0].strict, targets[1].strict), (false, true));
    write("one.json", r#"[{"targets":["a:1","c:17"]}]"#);
    assert_eq!(names(&discovery.look_up().await), ["a:1", "b:1", "c:17"]);
    // What is wrong stays as it was; what is gone is forgotten.
    write("one.json", "[");
    write("three.json", r#"[{"targets":["d:1"]}]"#);
    assert_eq!(
        names(&discovery.look_up().await),
        ["a:1", "b:1", "c:17", "d:1"]
    );
    std::fs::remove_file(dir.path().join("one.json")).unwrap();
    assert_eq!(names(&discovery.look_up().await), ["b:1", "d:1"]);
    assert!(discovery.pause() <= Duration::from_secs(5));
    let unknown = EndpointsConfig {
        sd_files: vec![PathBuf::from("a.txt")],
        ..EndpointsConfig::default()
    };
    assert!(Discovery::new(&unknown).is_err());
}

/// A DNS server that knows one name, by datagrams that are too short or by streams.
async fn dns_server(truncates: bool) -> SocketAddr {
    let stream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = stream.local_addr().unwrap();
    let socket = UdpSocket::bind(address).await.unwrap();
    fn records(question: &[u8]) -> (Vec<(u16, &'static str)>, u16) {
        match question[12..].starts_with(b"\x05_grpc\x04_tcp\x04here") {
            true => (vec![(10901, "127.0.0.1"), (10902, "127.0.0.1")], 0),
            false => (vec![], 3),
        }
    }
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let (records, code) = records(&buffer[..length]);
            let mut wrong = reply(&buffer[..length], &records, code, false);
            wrong[0] ^= 1;
            socket.send_to(&wrong, from).await.unwrap();
            let bytes = reply(&buffer[..length], &records, code, truncates && code == 0);
            socket.send_to(&bytes, from).await.unwrap();
        }
    });
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = stream.accept().await.unwrap();
            let length = stream.read_u16().await.unwrap();
            let mut buffer = vec![0; usize::from(length)];
            stream.read_exact(&mut buffer).await.unwrap();
            let (records, code) = records(&buffer);
            let bytes = reply(&buffer, &records, code, false);
            stream.write_u16(bytes.len() as u16).await.unwrap();
            stream.write_all(&bytes).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn services_are_looked_up() {
    for truncates in [false, true] {
        let resolver = Resolver {
            servers: vec![dns_server(truncates).await],
            search: vec!["test".into(), "x.test".into()],
            dots: 5,
        };
        for name in ["_grpc._tcp.here", "_grpc._tcp.here.x.test."] {
            let found = resolver.service(name, true).await.unwrap();
            assert_eq!(found, ["127.0.0.1:10901", "127.0.0.1:10902"], "{name}");
        }
        let found = resolver.service("_grpc._tcp.here:7", false).await.unwrap();
        assert_eq!(found, ["127.0.0.1:7", "127.0.0.1:7"]);
        assert!(
            resolver
                .service("_grpc._tcp.there", true)
                .await
                .unwrap()
                .is_empty()
        );
    }
}

#[test]
fn names_are_searched_as_resolv_conf_says() {
    let resolver = Resolver::parse(
        "# comment\nnameserver 10.0.0.10\nnameserver ::1\nsearch a.svc svc\noptions ndots:2 timeout:1\n",
    );
    let servers: Vec<SocketAddr> =
        vec!["10.0.0.10:53".parse().unwrap(), "[::1]:53".parse().unwrap()];
    assert_eq!(resolver.servers, servers);
    assert_eq!(
        resolver.candidates("_x._tcp.y"),
        ["_x._tcp.y", "_x._tcp.y.a.svc", "_x._tcp.y.svc"]
    );
    assert_eq!(resolver.candidates("x.y"), ["x.y.a.svc", "x.y.svc", "x.y"]);
    assert_eq!(resolver.candidates("x."), ["x"]);
    assert_eq!(
        Resolver::parse("").servers,
        ["127.0.0.1:53".parse().unwrap()]
    );
}

#[tokio::test]
async fn names_become_endpoints_and_groups() {
    let spec = |text: &str| EndpointSpec::new(text).unwrap();
    let config = EndpointsConfig {
        dns_servers: vec![dns_server(false).await],
        ..EndpointsConfig::new([
            spec("dnssrv+_grpc._tcp.here."),
            spec("dns+127.0.0.1:10901"),
            spec("127.0.0.1:1"),
            spec("localhost:5").group(),
            // Nobody has this name; RFC 6761.
            spec("dns+nobody.invalid:1"),
        ])
    };
    let mut discovery = Discovery::new(&config).unwrap();
    assert_eq!(names(&discovery.known()), ["127.0.0.1:1"]);
    let targets = discovery.look_up().await;
    let expected = [
        "127.0.0.1:1",
        "127.0.0.1:10901",
        "127.0.0.1:10902",
        "localhost:5",
    ];
    assert_eq!(names(&targets), expected);
    let members = targets[3].members.as_ref().unwrap();
    assert!(members.contains(&"127.0.0.1:5".to_string()), "{members:?}");
}
