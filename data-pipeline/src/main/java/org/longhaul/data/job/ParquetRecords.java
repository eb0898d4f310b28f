package org.longhaul.data.job;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.NoSuchElementException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.Type;
import org.longhaul.data.read.FileSummary;
import org.longhaul.data.read.InputRecord;
import org.longhaul.data.read.Position;
import org.longhaul.data.read.ReadProblem;
import org.longhaul.data.read.ReadResult;
import org.longhaul.data.read.ReadSettings;
import org.longhaul.data.read.RecordReader;
import org.longhaul.data.read.RowMapper;

/** The rows of a Parquet file as records; a damaged file ends with a problem that names the row. */
final class ParquetRecords implements RecordReader {
    private final String file;
    private final RowMapper mapper;
    private final Map<String, Long> problems = new HashMap<>();
    private ParquetReader<Group> reader;
    private ReadResult next;
    private long row;
    private long records;
    private long bytes;
    private boolean complete;
    private boolean ended;

    ParquetRecords(Configuration conf, Path path, String source, ReadSettings settings) {
        this.file = Store.display(path);
        this.mapper = new RowMapper(source, settings);
        try {
            if (path.getFileSystem(conf).getFileStatus(path).getLen() == 0) {
                problem(ReadProblem.Kind.EMPTY_FILE, "empty file");
            } else {
                reader = ParquetReader.builder(new GroupReadSupport(), path).withConf(conf).build();
            }
        } catch (FileNotFoundException e) {
            problem(ReadProblem.Kind.UNREADABLE_FILE, "no such file");
        } catch (IOException | RuntimeException e) {
            problem(ReadProblem.Kind.UNREADABLE_FILE, "cannot be opened: " + Store.firstLine(e));
        }
    }

    @Override
    public boolean hasNext() {
        while (next == null && !ended) {
            advance();
        }
        return next != null;
    }

    private void advance() {
        if (reader == null) {
            ended = true;
            next = new FileSummary(file, records, bytes, problems, Map.of(), complete);
            return;
        }
        try {
            Group group = reader.read();
            if (group == null) {
                complete = true;
                close();
                return;
            }
            next = mapper.map(file, row++, name -> value(group, name));
            if (next instanceof ReadProblem problem) {
                problems.merge(problem.kind().label(), 1L, Long::sum);
            } else if (next instanceof InputRecord record) {
                records++;
                bytes += ((InputRecord.Text) record.body()).text().length();
            }
        } catch (IOException | RuntimeException e) {
            // Parquet reports damage with exceptions of many kinds, unchecked ones included.
            problem(ReadProblem.Kind.CORRUPT_FILE, "cannot be read after row " + row + ": " + Store.firstLine(e) + "; the rest is skipped");
            close();
        }
    }

    private void problem(ReadProblem.Kind kind, String reason) {
        next = new ReadProblem(file, new Position(row, 0), kind, reason);
        problems.merge(kind.label(), 1L, Long::sum);
    }

    private static Object value(Group group, String name) {
        if (!group.getType().containsField(name)) {
            return null;
        }
        int index = group.getType().getFieldIndex(name);
        if (group.getFieldRepetitionCount(index) != 1) {
            return null;
        }
        Type type = group.getType().getType(index);
        if (!type.isPrimitive()) {
            return group.getGroup(index, 0);
        }
        boolean text = type.getLogicalTypeAnnotation() instanceof LogicalTypeAnnotation.StringLogicalTypeAnnotation;
        return switch (type.asPrimitiveType().getPrimitiveTypeName()) {
            case BINARY -> text ? group.getString(index, 0) : group.getBinary(index, 0).getBytes();
            case INT32 -> group.getInteger(index, 0);
            case INT64 -> group.getLong(index, 0);
            case BOOLEAN -> group.getBoolean(index, 0);
            case DOUBLE -> group.getDouble(index, 0);
            case FLOAT -> group.getFloat(index, 0);
            default -> group.getValueToString(index, 0);
        };
    }

    @Override
    public ReadResult next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        ReadResult result = next;
        next = null;
        return result;
    }

    @Override
    public void close() {
        try {
            if (reader != null) {
                reader.close();
            }
        } catch (IOException e) {
            problem(ReadProblem.Kind.CORRUPT_FILE, "cannot be closed: " + Store.firstLine(e));
        } finally {
            reader = null;
        }
    }
}
