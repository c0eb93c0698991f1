//! Functions that make labels.

use super::generator::Generator;
use super::part::Part;

impl Generator {
    pub(super) fn label_replace(&mut self, depth: u32) -> Part {
        let inner = self.vector(depth);
        self.label_replace_over(inner)
    }

    pub(super) fn label_join(&mut self, depth: u32) -> Part {
        let inner = self.vector(depth);
        self.label_join_over(inner)
    }

    /// `label_replace` over a vector.
    pub(super) fn label_replace_over(&mut self, inner: Part) -> Part {
        let source = match self.dice.maybe(&inner.labels) {
            Some(label) if self.dice.chance(90) => label.clone(),
            _ => self.dice.pick(&["job", "__name__", "nope"]).into(),
        };
        let target = self.target(&source);
        let values = match &inner.metric {
            Some(metric) => metric.values(&source).to_vec(),
            None => Vec::new(),
        };
        let regex = if self.dice.chance(25) {
            let value = self.dice.maybe(&values).cloned().unwrap_or_default();
            self.regex(&value, &values)
        } else {
            let usual = [
                "(.*)",
                "(.+)",
                "(.*)-(.*)",
                "(.)(.*)",
                ".*",
                "",
                "(?P<a>[^:]*):?(?P<b>.*)",
                "([a-z]+).*",
                "(?i)(.+)",
            ];
            self.dice.pick(&usual).into()
        };
        let replacements = [
            "$1", "$2", "$1-$2", "${1}x", "const", "", "$0", "$a", "${b}", "$3", "$$", "$1x",
        ];
        let replacement = self.dice.pick(&replacements);
        let args = [
            target.as_str(),
            replacement,
            source.as_str(),
            regex.as_str(),
        ];
        let args: Vec<String> = args.iter().map(|text| self.quote(text)).collect();
        let text = format!("label_replace({}, {})", inner.text, args.join(", "));
        inner.call(text).with_label(&target)
    }

    /// `label_join` over a vector.
    pub(super) fn label_join_over(&mut self, inner: Part) -> Part {
        let sources = self.subset(&inner.labels, 3);
        let target = self.target("job");
        let separator = self.dice.pick(&["-", "", ",", "/", "ü"]);
        let mut text = format!("label_join({}, {}", inner.text, self.quote(&target));
        text += &format!(", {}", self.quote(separator));
        for label in sources {
            text += &format!(", {}", self.quote(&label));
        }
        inner.call(text + ")").with_label(&target)
    }

    fn target(&mut self, source: &str) -> String {
        let targets = [
            "new",
            "new",
            "new",
            source,
            "job",
            "__name__",
            "with space",
            "ü",
        ];
        self.dice.pick(&targets).into()
    }
}
