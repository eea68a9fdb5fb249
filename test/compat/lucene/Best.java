/*
 * Best.java - what Lucene finds
 *
 * usage: java -cp lucene-core.jar Best.java DOCUMENTS QUERIES K
 *
 * A line of either file is an id and terms, with tabs between them, which are taken as they are.  Prints a line for each query: its
 * id, and id:score of the best documents that have any of its terms, with tabs between them.  Lengths are exact, which Lucene's own
 * similarity rounds to a byte.
 */
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.StoredField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.FieldInvertState;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.CollectionStatistics;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TermStatistics;
import org.apache.lucene.search.similarities.BM25Similarity;
import org.apache.lucene.search.similarities.Similarity;
import org.apache.lucene.store.ByteBuffersDirectory;

public class Best {
    static class Exact extends Similarity {
        @Override
        public long computeNorm(FieldInvertState state) {
            return state.getLength();
        }

        @Override
        public SimScorer scorer(float boost, CollectionStatistics all, TermStatistics... terms) {
            float idf = new BM25Similarity().idfExplain(all, terms[0]).getValue().floatValue() * boost;
            double mean = all.sumTotalTermFreq() / (double) all.docCount();
            return new SimScorer() {
                @Override
                public float score(float frequency, long length) {
                    return (float) (idf * frequency / (frequency + 1.2 * (0.25 + 0.75 * length / mean)));
                }
            };
        }
    }

    static class Terms extends TokenStream {
        private final CharTermAttribute term = addAttribute(CharTermAttribute.class);
        private final String[] fields;
        private int next = 1;

        Terms(String[] fields) {
            this.fields = fields;
        }

        @Override
        public boolean incrementToken() {
            clearAttributes();
            if (next >= fields.length)
                return false;
            term.append(fields[next++]);
            return true;
        }
    }

    static List<String[]> read(String path) throws IOException {
        return Files.readAllLines(Path.of(path)).stream().map(line -> line.split("\t")).toList();
    }

    public static void main(String[] args) throws IOException {
        ByteBuffersDirectory directory = new ByteBuffersDirectory();
        Similarity similarity = new Exact();
        try (IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig(null).setSimilarity(similarity))) {
            for (String[] line : read(args[0])) {
                Document document = new Document();
                document.add(new StoredField("id", line[0]));
                document.add(new TextField("body", new Terms(line)));
                writer.addDocument(document);
            }
        }
        IndexSearcher searcher = new IndexSearcher(DirectoryReader.open(directory));
        searcher.setSimilarity(similarity);
        for (String[] line : read(args[1])) {
            BooleanQuery.Builder query = new BooleanQuery.Builder();
            for (int i = 1; i < line.length; i++)
                query.add(new TermQuery(new Term("body", line[i])), BooleanClause.Occur.SHOULD);
            StringBuilder out = new StringBuilder(line[0]);
            for (ScoreDoc found : searcher.search(query.build(), Integer.parseInt(args[2])).scoreDocs)
                out.append('\t').append(searcher.storedFields().document(found.doc).get("id")).append(':').append(found.score);
            System.out.println(out);
        }
    }
}
