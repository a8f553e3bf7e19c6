"""The words and sentences of the two languages that the corpus is made of."""

from collections.abc import Sequence
from dataclasses import dataclass

_ENGLISH_NOUNS = """
    pump valve sensor controller filter bearing gearbox coupling housing gasket cable connector battery inverter relay fuse display
    panel alarm firmware module interface protocol packet session token account invoice contract warranty customer supplier order
    shipment warehouse pallet label barcode scanner printer report schedule shift operator technician engineer inspector manager
    audit policy procedure checklist incident ticket backup archive replica cluster region bucket volume snapshot index table column
    query transaction journal checkpoint lock queue worker lease deadline timeout budget estimate quote discount refund deposit
    temperature pressure humidity vibration voltage current frequency torque speed load capacity threshold tolerance deviation
    calibration measurement sample batch recipe coating alloy polymer solvent adhesive container conveyor robot gripper fixture
    drawing revision specification requirement certificate permit training evaluation survey interview translation appendix glossary
    """
_ENGLISH_VERBS = """
    checked replaced cleaned measured recorded approved rejected scheduled cancelled renewed exported imported migrated restarted
    isolated drained lubricated tightened calibrated inspected documented archived encrypted signed verified compared estimated
    delivered returned refunded escalated reviewed published translated configured disabled enabled monitored throttled resumed
    """
_ENGLISH_QUALITIES = """
    annual weekly temporary permanent critical minor internal external manual automatic primary secondary spare worn damaged sealed
    certified obsolete remote local shared private nominal maximum minimum average seasonal regional digital analogue hazardous
    """
_ENGLISH_SYLLABLES = "bal cor den fal gri hol jun kel lor mer nov oster pra quin ros sel tor ul ver wex yar zim ada eno ira omi usa"
_ENGLISH_SENTENCES = (
    "The {quality} {noun} of {name} must be {verb} before the {noun} is {verb}.",
    "If the {noun} exceeds {number} units, the {noun} is {verb} and {name} receives the {quality} {noun}.",
    "Since {date}, every {quality} {noun} has been {verb} by the {noun} team of {name}, which reports to {name}.",
    "Part {part} replaces {part}; its {noun} is {verb} with a {noun} of {number} at {number} percent {noun}.",
    "Set `{identifier}` to {number} when the {noun} and the {noun} were {verb} by version {version}.",
    "Nobody may open the {noun} while the {quality} {noun} is being {verb}, because the {noun} could be {verb} twice.",
    "For {name}, the {noun} between {noun} and {noun} was {verb} {number} times in the {quality} period.",
    "What was {verb} without a {noun} is not covered by the {quality} {noun} of {date}.",
)

_KOREAN_NOUNS = """
    펌프 밸브 센서 제어기 여과기 베어링 감속기 배관 덮개 전선 단자 배터리 변환기 계전기 표시창 경보 펌웨어 모듈 통신규약 세션
    계정 청구서 계약서 보증서 고객 공급업체 주문 출하 창고 상표 판독기 인쇄기 보고서 일정 교대조 작업자 기술자 검사원 관리자
    감사 정책 절차 점검표 사고 접수증 백업 보관소 복제본 지역 저장소 색인 질의 거래 기록 잠금 대기열 임대 기한 예산 견적 할인
    환불 보증금 온도 압력 습도 진동 전압 전류 주파수 속도 부하 용량 기준값 허용오차 편차 교정 측정값 시료 생산분 배합 도장 합금
    용제 접착제 용기 운반대 로봇 고정구 도면 개정판 사양서 요구사항 인증서 허가증 교육 평가 설문 면담 번역 부록 용어집 여행 숙박
    도서관 박물관 병원 약국 학교 시험 장학금 휴가 급여 세금 보험 연금
    """
_KOREAN_VERBS = """
    점검 교체 세척 측정 기록 승인 반려 예약 취소 갱신 전송 이관 재시작 격리 윤활 보정 검사 문서화 보관 암호화 서명 검증 비교
    산정 배송 반품 환급 보고 검토 게시 번역 설정 해제 감시 제한 재개 등록 신청 확인 조회
    """
_KOREAN_QUALITIES = """
    연간 주간 임시 영구 중대한 경미한 내부 외부 수동 자동 주요 예비 마모된 손상된 밀폐된 인증된 단종된 원격 공용 개인 정격 최대
    최소 평균 계절별 지역별 위험한 새로운 오래된 정기
    """
_KOREAN_SYLLABLES = "가 누 다 라 마 보 사 아 자 차 카 타 파 하 강 난 달 람 별 산 온 정 찬 한 해 미 리 우 호 진 선 영"
_KOREAN_SENTENCES = (
    "{name}의 {quality} {noun:은} {noun:을} {verb}하기 전에 반드시 {verb}해야 합니다.",
    "{noun:이} {number}을 넘으면 {noun:을} {verb}하고 {name}에 {quality} {noun:을} 보냅니다.",
    "{date}부터 모든 {quality} {noun:은} {name} 담당자가 {verb}하며, 결과는 {name}에서 확인할 수 있습니다.",
    "부품 {part}은 {part}을 대신하며 {noun:은} {number}, {noun:은} {number}% 이내로 {verb}합니다.",
    "{noun:과} {noun:이} {version} 버전에서 {verb}되었다면 `{identifier}` 값을 {number}로 바꾸십시오.",
    "{quality} {noun:을} {verb}하는 동안에는 아무도 {noun:을} 열 수 없는데, {noun:이} 두 번 {verb}될 수 있기 때문입니다.",
    "{name}에서는 {noun:과} {noun} 사이의 {noun:이} {quality} 기간에 {number}번 {verb}되었습니다.",
    "{noun} 없이 {verb}된 {noun:은} {date}에 체결한 {quality} {noun}의 적용을 받지 않습니다.",
)

CODE = (
    "def {identifier}(value: int) -> int:\n    # {sentence}\n    return value - {number} if value > {number} else value",
    "{identifier}:\n  version: {version}\n  limit: {number}\n  parts: [{part}, {part}]\n  # {sentence}",
    "curl -X POST https://example.invalid/v1/{identifier} -d 'limit={number}' -H 'Part: {part}'\n# {sentence}",
)

_AFTER_VOWEL = {"은": "는", "이": "가", "을": "를", "과": "와"}


@dataclass(frozen=True, slots=True)
class Language:
    """`date` takes year, month and day; sentences take what `corpus` fills in."""

    nouns: Sequence[str]
    verbs: Sequence[str]
    qualities: Sequence[str]
    syllables: Sequence[str]
    sentences: Sequence[str]
    date: str


def fitting(particle: str, word: str) -> str:
    """The form of a Korean particle that follows the word: «은» or «는»."""
    ends_in_vowel = (ord(word[-1]) - ord("가")) % 28 == 0
    return _AFTER_VOWEL.get(particle, particle) if ends_in_vowel else particle


def _language(nouns: str, verbs: str, qualities: str, syllables: str, sentences: Sequence[str], date: str) -> Language:
    return Language(nouns.split(), verbs.split(), qualities.split(), syllables.split(), sentences, date)


ENGLISH = _language(
    _ENGLISH_NOUNS, _ENGLISH_VERBS, _ENGLISH_QUALITIES, _ENGLISH_SYLLABLES, _ENGLISH_SENTENCES, "{year}-{month:02}-{day:02}"
)
KOREAN = _language(
    _KOREAN_NOUNS, _KOREAN_VERBS, _KOREAN_QUALITIES, _KOREAN_SYLLABLES, _KOREAN_SENTENCES, "{year}년 {month}월 {day}일"
)
