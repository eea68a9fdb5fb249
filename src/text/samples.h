/*
 * samples.h - the texts whose terms vector_text_digest() hashes
 *
 * Inflected words of the languages that PostgreSQL has stemmers for, among them such whose stems
 * releases of Snowball differ in; numbers and names; and text without spaces.  Not to be changed: a
 * digest that somebody has kept would say that the terms have changed.
 */
#ifndef VECTOR_SAMPLES_H
#define VECTOR_SAMPLES_H

static const char *const text_samples[] = {
	/* parsers */
	"COVID-19 GPT-4 2026-11-28 10:30 +49 -1.5e10 v1.2.3 1.2.3 C++ C# x86-64 e-mail foo_bar",
	"user.name@example.com http://www.example.com/a/b.html?c=1 /usr/local/lib",
	"<b class=\"x y\">bold</b> &amp;",
	/* English */
	"added adding adds erred erring errs egged inning innings outing outings herring",
	"earring canning",
	"running runs ran runner easily happily happiness hopping hoping hoped relational",
	"conditional",
	"generalizations oscillators emergency emergencies universal universities university",
	"news skis dying",
	"lying tying idly gently ugly early only singly sky atlas cosmos bias andes proceed",
	"exceed succeed",
	"the of and not children mice geese doing done having been was were this that these",
	"those can't it's",
	"agreed disabled matting mating meeting milling messing meetings fluently consistency",
	"abilities",
	"past passed passing pasted pasting user users used using uses usage evenings evening",
	"analytics",
	/* Arabic, Armenian, Greek, Hindi, Nepali, Russian, Serbian, Tamil, Yiddish */
	"الكتاب الكتب كتابهم المدارس مدرسة والمعلمون",
	"يكتبون",
	"գրքեր գրքերի տուն տներ տների երեխաներ լեզու",
	"βιβλίο βιβλία βιβλίων σπίτια παιδιά ανθρώπων",
	"τρέχουν",
	"किताब किताबें किताबों लड़का",
	"लड़के लड़कियाँ जाना",
	"किताबहरू घरहरू मानिसहरूको",
	"जान्छन् गर्दै",
	"книга книги книгами бегущий бегать бежали",
	"красивейшая ёлки ещё домами",
	"књига књиге књигама трчати трчали лепше kuće kućama",
	"புத்தகங்கள் வீடுகள் மனிதர்கள்",
	"ஓடினான் படிக்கிறார்கள்",
	"ביכער הייזער קינדער שפּראַכן לויפֿן",
	/* Basque, Catalan, Danish, Dutch, Finnish, French, German */
	"etxeak etxearen liburuak umeekin mendietan ikastolako",
	"llibres llibreria casa cases nenes corrent havia cançons",
	"husene husets bøger bøgerne børnenes løber løbende",
	"ède ène huizen boeken kinderen lopende gelopen mogelijkheden lichamelijke",
	"talossa talojen kirjastoissa lapsillemme juoksemassa kauniimpia",
	"chevaux maisons mangeaient continuellement nationalités heureuse finissons",
	"Häuser Häusern Bücher liefen gelaufen Möglichkeiten schönsten straße strasse",
	"Überraschungen",
	/* Hungarian, Indonesian, Irish, Italian, Lithuanian, Norwegian, Portuguese */
	"házak házakban könyveink gyerekeknek futottak szebbek",
	"buku-buku membaca dibacakan pembacaan berlari rumahnya",
	"leabhair tithe gcapall bhfear n-athair rithim",
	"bambini bambine correvano velocemente nazionalità abbandonata",
	"knygos knygomis namuose vaikams bėgančių gražiausias",
	"husene bøkene barna løpende muligheter vakreste",
	"livros casas meninas correram rapidamente nações possibilidades",
	/* Romanian, Spanish, Swedish, Turkish, Estonian, Polish, Czech */
	"cărților casele copiilor alergau frumoasă națiunilor",
	"libros casas niñas corrieron rápidamente naciones posibilidades",
	"husen husens böckerna barnens springande möjligheter",
	"kitaplar kitaplarımızdan evlerinde çocukların koşuyorlardı güzelliği İstanbul",
	"ısı",
	"raamatud majades lastele jooksevad ilusaim",
	"książki domach dzieci biegnący; knihy domech dětem běžící",
	/* without spaces, and other accents */
	"我们在北京大学学习计算机科学。数据库索引",
	"東京都に住んでいます。データベースの索引を作る",
	"ภาษาไทยไม่มีช่องว่า",
	"งระหว่างคำ ฐานข้อมูล",
	"ភាសាខ្មែរ ຖານຂໍ້ມູນ မြန်မာစာ",
	"Ọmọ náà ń kàwé ní ilé-ẹ̀kọ́ Yorùbá",
	"데이터베이스에서 문서를 검색합니다",
	"ＡＢＣ１２３ ﬁnance Ⅷ ² ½ naïve naïve",
};

#endif							/* VECTOR_SAMPLES_H */
