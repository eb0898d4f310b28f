package org.longhaul.data.read;

import java.util.function.Function;

/** Turns rows of a table (Parquet through Spark) into records, by the same rules as JSON Lines. */
public final class RowMapper {
    private final String source;
    private final ReadSettings settings;

    /** Rows of one input. */
    public RowMapper(String source, ReadSettings settings) {
        this.source = source;
        this.settings = settings;
    }

    /**
     * One row.
     *
     * @param file the file it comes from
     * @param row its number in the file, from 0
     * @param field value of a named column, null when there is none
     * @return an {@link InputRecord}, or the {@link ReadProblem} why there is none
     */
    public ReadResult map(String file, long row, Function<String, Object> field) {
        Position where = new Position(row, 0);
        Object value = field.apply(settings.textField());
        if (!(value instanceof CharSequence) || value.toString().isBlank()) {
            String found = value == null
                    ? "no value in column \"" + settings.textField() + "\""
                    : value instanceof CharSequence
                            ? "column \"" + settings.textField() + "\" is empty"
                            : "column \"" + settings.textField() + "\" is no string";
            return new ReadProblem(file, where, ReadProblem.Kind.NO_TEXT, found + " in row " + row + "; skipped");
        }
        Utf8.Decoded text = Utf8.repairSurrogates(value.toString());
        String recordId = string(field, settings.idField());
        String ownSource = string(field, settings.sourceField());
        return new InputRecord(
                file,
                where,
                recordId.isEmpty() ? JsonlReader.fallbackId(file, where) : recordId,
                ownSource.isEmpty() ? source : ownSource,
                string(field, settings.languageField()),
                string(field, settings.urlField()),
                new InputRecord.Text(text.text()),
                text.repairs());
    }

    private static String string(Function<String, Object> field, String name) {
        Object value = name.isEmpty() ? null : field.apply(name);
        return value == null ? "" : value.toString();
    }
}
