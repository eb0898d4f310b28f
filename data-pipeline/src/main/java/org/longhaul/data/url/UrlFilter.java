package org.longhaul.data.url;

import java.io.BufferedReader;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.longhaul.data.quality.Verdict;
import org.longhaul.data.read.RecordFiles;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/**
 * Judges documents by their address, in the order: domain and its parents, whole address, hard word, soft words, squeezed
 * substring. Documents without an address pass. Thread-safe.
 */
public final class UrlFilter {
    /** Name of the stage. */
    public static final String STAGE = "url";

    private final Set<String> domains;
    private final Set<String> urls;
    private final Set<String> hardWords;
    private final Set<String> softWords;
    private final SubstringMatcher substrings;
    private final Set<String> substringSet;
    private final int minSoftWords;

    UrlFilter(Set<String> domains, Set<String> urls, Set<String> hard, Set<String> soft, int minSoftWords, Set<String> substrings) {
        this.domains = domains;
        this.urls = urls;
        this.hardWords = hard;
        this.softWords = soft;
        this.minSoftWords = minSoftWords;
        this.substringSet = substrings;
        this.substrings = new SubstringMatcher(substrings);
    }

    /** The filter over the lists that the settings name. */
    public static UrlFilter of(Configuration conf, UrlSettings settings) {
        Set<String> urls = new HashSet<>();
        read(conf, "urls", settings.urls()).forEach(url -> urls.add(plain(url)));
        Set<String> squeezed = new HashSet<>();
        read(conf, "substrings", settings.substrings()).forEach(s -> squeezed.add(squeeze(s)));
        squeezed.remove("");
        return new UrlFilter(
                read(conf, "domains", settings.domains()),
                urls,
                read(conf, "hard_words", settings.hardWords()),
                read(conf, "soft_words", settings.softWords()),
                settings.minSoftWords(),
                squeezed);
    }

    private static Set<String> read(Configuration conf, String key, String file) {
        Set<String> entries = new HashSet<>();
        if (file.isEmpty()) {
            return entries;
        }
        try (BufferedReader in = new BufferedReader(
                new InputStreamReader(RecordFiles.openStream(conf, new Path(file)), StandardCharsets.UTF_8))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                String entry = line.strip().toLowerCase(Locale.ROOT);
                if (!entry.isEmpty() && !entry.startsWith("#")) {
                    entries.add(entry);
                }
            }
        } catch (IOException e) {
            String why = e.getCause() instanceof FileNotFoundException ? "does not exist" : "cannot be read: " + Reason.of(e);
            throw UserError.badInput("url." + key + ": " + file + " " + why, e);
        }
        if (entries.isEmpty()) {
            throw UserError.badInput("url." + key + ": " + file + " has no entries; remove the key or fill the file");
        }
        return entries;
    }

    /** Depends on the entries of the lists: tells whether two runs used the same. */
    public String fingerprint() {
        return Integer.toHexString(domains.hashCode()) + "-" + Integer.toHexString(urls.hashCode()) + "-"
                + Integer.toHexString(hardWords.hashCode()) + "-" + Integer.toHexString(softWords.hashCode()) + "-"
                + Integer.toHexString(substringSet.hashCode()) + "-" + minSoftWords;
    }

    /** Judges one address; an empty one passes. */
    public Verdict judge(String url) {
        if (url.isEmpty()) {
            return Verdict.keep(STAGE);
        }
        String address = plain(url);
        String host = address.substring(0, end(address, "/?:"));
        for (int dot = 0; dot >= 0; dot = host.indexOf('.', dot) < 0 ? -1 : host.indexOf('.', dot) + 1) {
            if (domains.contains(host.substring(dot))) {
                return Verdict.drop(STAGE, "domain", Double.NaN);
            }
        }
        if (urls.contains(address)) {
            return Verdict.drop(STAGE, "url", Double.NaN);
        }
        Verdict words = words(address);
        if (words != null) {
            return words;
        }
        return substrings.occursIn(squeeze(address)) ? Verdict.drop(STAGE, "substring", Double.NaN) : Verdict.keep(STAGE);
    }

    private Verdict words(String address) {
        if (hardWords.isEmpty() && softWords.isEmpty()) {
            return null;
        }
        Set<String> soft = new HashSet<>();
        for (int start = 0, i = 0; i <= address.length(); i++) {
            if (i < address.length() && Character.isLetterOrDigit(address.charAt(i))) {
                continue;
            }
            String word = address.substring(start, i);
            start = i + 1;
            if (hardWords.contains(word)) {
                return Verdict.drop(STAGE, "hard_word", Double.NaN);
            }
            if (softWords.contains(word)) {
                soft.add(word);
            }
        }
        return soft.size() >= minSoftWords ? Verdict.drop(STAGE, "soft_words", soft.size()) : null;
    }

    /** Lower case, without scheme, user, www, fragment and trailing slash. */
    static String plain(String url) {
        String s = url.strip().toLowerCase(Locale.ROOT);
        int scheme = s.indexOf("://");
        s = scheme >= 0 && scheme < 10 ? s.substring(scheme + 3) : s;
        s = s.substring(0, end(s, "#"));
        int path = end(s, "/?");
        int user = s.lastIndexOf('@', path - 1);
        s = user >= 0 && user < path ? s.substring(user + 1) : s;
        s = s.startsWith("www.") ? s.substring(4) : s;
        return s.endsWith("/") ? s.substring(0, s.length() - 1) : s;
    }

    private static int end(String s, String marks) {
        for (int i = 0; i < s.length(); i++) {
            if (marks.indexOf(s.charAt(i)) >= 0) {
                return i;
            }
        }
        return s.length();
    }

    static String squeeze(String s) {
        StringBuilder out = new StringBuilder(s.length());
        for (int i = 0; i < s.length(); i++) {
            if (Character.isLetterOrDigit(s.charAt(i))) {
                out.append(s.charAt(i));
            }
        }
        return out.toString();
    }
}
