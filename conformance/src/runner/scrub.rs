//! Taking out of a client's words what no two runs share, so that two results can be compared.

/// Replaces run-specific texts by their names, and addresses in memory by `0x…`.
#[derive(Debug, Clone, Default)]
pub(super) struct Scrubber(Vec<(String, &'static str)>);

impl Scrubber {
    /// Replaces `text` by `{name}`; longer texts come first whatever the order of the calls.
    pub(super) fn hide(mut self, text: impl Into<String>, name: &'static str) -> Self {
        let text = text.into();
        if !text.is_empty() {
            self.0.push((text, name));
            self.0.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        }
        self
    }

    pub(super) fn scrub(&self, text: &str) -> String {
        let hidden =
            self.0.iter().fold(text.to_owned(), |text, (secret, name)| text.replace(secret, name));
        without_numbers_of_the_day(&hidden)
    }
}

/// Addresses in memory, OpenSSL's thread ids (`40A7B1C2D37F0000:error:…`), times since 1970, and
/// how far off something is.
fn without_numbers_of_the_day(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let run = rest[start..]
            .find(|c: char| !c.is_ascii_hexdigit())
            .map_or(rest.len(), |end| start + end);
        out.push_str(&rest[..start]);
        let word = &rest[start..run];
        rest = &rest[run..];
        if word == "0" && rest.starts_with('x') {
            let digits = rest[1..].find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len() - 1);
            if digits >= 6 {
                out.push_str("0x…");
                rest = &rest[1 + digits..];
                continue;
            }
        }
        let decimal = word.bytes().all(|byte| byte.is_ascii_digit());
        let is_thread = word.len() >= 8 && rest.starts_with(":error:");
        let is_far = rest.starts_with(" seconds ago") || rest.starts_with(" seconds in future");
        let is_time = decimal && (word.len() >= 10 || is_far);
        if is_thread || is_time {
            out.push('…');
        } else {
            out.push_str(word);
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_between_runs_is_hidden() {
        let scrubber = Scrubber::default()
            .hide("40123", "{port}")
            .hide("/tmp/.x/root.pem", "{root}")
            .hide("/tmp/.x", "{pki}");
        for (text, scrubbed) in [
            ("port 40123 failed", "port {port} failed"),
            ("no /tmp/.x/root.pem, no /tmp/.x/y", "no {root}, no {pki}/y"),
            ("<Protocol object at 0x7f00deadbeef> closed", "<Protocol object at 0x…> closed"),
            ("exit 0x1f", "exit 0x1f"),
            ("40A7B1C2D37F0000:error:0A000086:SSL", "…:error:0A000086:SSL"),
            ("at 1795317172 (UNIX), 86402 seconds ago", "at … (UNIX), … seconds ago"),
            ("(2591999 seconds in future)", "(… seconds in future)"),
            ("within 2 seconds", "within 2 seconds"),
            ("Größe 1", "Größe 1"),
        ] {
            assert_eq!(scrubber.scrub(text), scrubbed);
        }
    }
}
