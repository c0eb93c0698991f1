//! What the operators of a query did and what they are, in the form of Thanos's
//! `analysis` and of its `query_explain`.

use quarrel_engine::OperatorTree;
use quarrel_storage::store_api::CallOutcome;

use crate::duration::format_go_duration;
use crate::json;
use crate::trace::{LoggedCall, Watched, operators_of};

/// An operator as it is written.
struct Node<'a> {
    depth: usize,
    name: &'a str,
    /// Members between the name and the children, each with a comma before it.
    members: Vec<u8>,
}

/// Writes the operators of a plan: names and children.
pub(super) fn write_plan(operators: &OperatorTree, out: &mut Vec<u8>) {
    let nodes = operators.operators.iter().map(|operator| Node {
        depth: operator.depth,
        name: &operator.text,
        members: Vec::new(),
    });
    write_tree(nodes, out);
}

/// Writes what operators did.
pub(super) fn write(watched: &Watched, out: &mut Vec<u8>) {
    let Watched { operators, calls } = watched;
    let causes = operators_of(operators, calls);
    let sums = sums(operators);
    let nodes = operators
        .operators
        .iter()
        .enumerate()
        .map(|(at, operator)| {
            let mut members = Vec::new();
            let nanos = operator.stats.elapsed.as_nanos();
            let nanos = i64::try_from(nanos).unwrap_or(i64::MAX);
            members.extend_from_slice(b",\"executionTime\":");
            json::string(&mut members, &format_go_duration(nanos));
            let Sums { samples, peak } = sums[at];
            count(&mut members, "peakSamples", peak);
            count(&mut members, "totalSamples", samples);
            let mut own = (calls.iter().zip(&causes))
                .filter(|(_, cause)| **cause == Some(at))
                .map(|(call, _)| call)
                .peekable();
            if own.peek().is_some() {
                members.extend_from_slice(b",\"fanout\":[");
                for (i, call) in own.enumerate() {
                    members.extend_from_slice(if i > 0 { b"," } else { b"" });
                    write_call(&mut members, call);
                }
                members.push(b']');
            }
            Node {
                depth: operator.depth,
                name: &operator.text,
                members,
            }
        });
    write_tree(nodes, out);
}

/// A call to an endpoint, as Thanos's `fanout`.
fn write_call(out: &mut Vec<u8>, call: &LoggedCall) {
    let nothing = CallOutcome::default();
    let outcome = call.outcome.as_ref().unwrap_or(&nothing);
    let nanos = i64::try_from(outcome.elapsed.as_nanos()).unwrap_or(i64::MAX);
    out.extend_from_slice(b"{\"endpointAddr\":");
    json::string(out, &call.endpoint);
    out.extend_from_slice(b",\"duration\":");
    json::string(out, &format_go_duration(nanos));
    count(out, "bytesProcessed", outcome.bytes);
    count(out, "numResponses", outcome.messages);
    count(out, "series", outcome.series);
    count(out, "chunks", outcome.chunks);
    count(out, "samples", outcome.samples);
    out.push(b'}');
}

/// A member with its comma; none if it is zero, as in Go.
fn count(out: &mut Vec<u8>, name: &str, count: u64) {
    if count > 0 {
        out.push(b',');
        json::string(out, name);
        out.push(b':');
        json::integer(out, i64::try_from(count).unwrap_or(i64::MAX));
    }
}

/// An operator with all below it.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    /// Samples in windows.
    samples: u64,
    /// The most samples that one of them gave at once.
    peak: u64,
}

/// Sums over each operator and its inputs; as in Thanos, a subquery counts what it
/// looks at, and not what it is made of.
fn sums(operators: &OperatorTree) -> Vec<Sums> {
    const SUBQUERY: &str = "SubqueryWindow";
    let mut all = vec![Sums::default(); operators.operators.len()];
    // Sums of inputs that wait for the operator that reads them, by depth.
    let mut waiting: Vec<Sums> = Vec::new();
    for (at, operator) in operators.operators.iter().enumerate().rev() {
        let depth = operator.depth;
        if waiting.len() < depth + 2 {
            waiting.resize(depth + 2, Sums::default());
        }
        let below = std::mem::take(&mut waiting[depth + 1]);
        let stats = &operator.stats;
        let inner = if operator.name == SUBQUERY {
            0
        } else {
            below.samples
        };
        let own = Sums {
            samples: stats.samples.saturating_add(inner),
            peak: stats.peak_items.max(below.peak),
        };
        let above = &mut waiting[depth];
        above.samples = above.samples.saturating_add(own.samples);
        above.peak = above.peak.max(own.peak);
        all[at] = own;
    }
    all
}

/// Writes a tree whose nodes come before their children. Plans are as deep as queries
/// are: no recursion.
fn write_tree<'a>(nodes: impl Iterator<Item = Node<'a>>, out: &mut Vec<u8>) {
    // How many nodes are open: the last one written, and those above it.
    let mut open = 0;
    for node in nodes {
        if node.depth < open {
            // What is open at this depth and below is complete.
            close(open - node.depth, out);
            out.push(b',');
        } else if open > 0 {
            out.extend_from_slice(b",\"children\":[");
        }
        open = node.depth + 1;
        out.extend_from_slice(b"{\"name\":");
        json::string(out, node.name);
        out.extend_from_slice(&node.members);
    }
    if open == 0 {
        out.extend_from_slice(b"{}");
    } else {
        close(open, out);
    }
}

/// Closes nodes: the last one, and the lists and nodes around it.
fn close(number: usize, out: &mut Vec<u8>) {
    for i in 0..number {
        out.extend_from_slice(if i > 0 { b"]}" } else { b"}" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(depths: &[usize]) -> String {
        let names: Vec<String> = (0..depths.len()).map(|i| format!("n{i}")).collect();
        let nodes = depths.iter().zip(&names).map(|(&depth, name)| Node {
            depth,
            name,
            members: Vec::new(),
        });
        let mut out = Vec::new();
        write_tree(nodes, &mut out);
        let text = String::from_utf8(out).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        text.replace("\"name\":", "").replace("\"children\":", "")
    }

    #[test]
    fn trees_are_nested_as_their_depths_say() {
        assert_eq!(tree(&[]), "{}");
        assert_eq!(tree(&[0]), r#"{"n0"}"#);
        assert_eq!(tree(&[0, 1, 2]), r#"{"n0",[{"n1",[{"n2"}]}]}"#);
        assert_eq!(
            tree(&[0, 1, 2, 1, 2, 2]),
            r#"{"n0",[{"n1",[{"n2"}]},{"n3",[{"n4"},{"n5"}]}]}"#
        );
    }
}
