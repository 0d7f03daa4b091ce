//! Text in markup. Whatever comes from outside goes through here.

/// Text that stands for itself in an element or a quoted attribute. What XML does not take at all,
/// such as a NUL, becomes the replacement character.
pub(super) fn escaped(text: &str) -> String {
    let mut markup = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => markup.push_str("&amp;"),
            '<' => markup.push_str("&lt;"),
            '>' => markup.push_str("&gt;"),
            '"' => markup.push_str("&quot;"),
            '\'' => markup.push_str("&#39;"),
            '\n' | '\t' => markup.push(sign),
            '\u{fffe}' | '\u{ffff}' => markup.push('\u{fffd}'),
            _ if sign.is_control() => markup.push('\u{fffd}'),
            // what turns the direction of the text around could make it read as something else
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => markup.push('\u{fffd}'),
            _ => markup.push(sign),
        }
    }
    markup
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_markup() {
        let check = |text: &str, expect: &str| assert_eq!(escaped(text), expect);
        check(
            "</td><script>alert(1)</script>",
            "&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt;",
        );
        check("\" onload='x'", "&quot; onload=&#39;x&#39;");
        check("&amp;", "&amp;amp;");
        check("a\0b\u{1b}[31m\rc\nd", "a\u{fffd}b\u{fffd}[31m\u{fffd}c\nd");
        check("safe\u{202e}gpj.exe", "safe\u{fffd}gpj.exe");
        check("ünï 日本", "ünï 日本");
    }
}
